"""The units of pint, their names and sizes. Written by tests/assay/pint_table.py.

Law: no unit is defined here; each row is what pint says, in SI base units (information in bits).
"""

PREFIXES = """
quecto=q 1e-30; ronto=r 1e-27; yocto=y 1e-24; zepto=z 1e-21; atto=a 1e-18; femto=f 1e-15; pico=p
    1e-12; nano=n 1e-9; micro=µ=μ=u=mu=mc 0.000001; milli=m 0.001; centi=c 0.01; deci=d 0.1;
    deca=da=deka 10; hecto=h 100; kilo=k 1000; mega=M 1000000; giga=G 1000000000; tera=T
    1000000000000; peta=P 1e+15; exa=E 1e+18; zetta=Z 1e+21; yotta=Y 1e+24; ronna=R 1e+27;
    quetta=Q 1e+30; kibi=Ki 1024; mebi=Mi 1048576; gibi=Gi 1073741824; tebi=Ti 1099511627776;
    pebi=Pi 1.125899906842624e+15; exbi=Ei 1.152921504606846976e+18; zebi=Zi
    1.180591620717411303424e+21; yobi=Yi 1.208925819614629174706176e+24; semi=demi 0.5; sesqui 1.5
"""
"""Names of a prefix, and what it multiplies by."""

UNITS = """
length: meter=m=metre 1; angstrom=Å=ångström=Å 1e-10; micron=µ=μ 0.000001; fermi=fm 1e-15;
    light_year=ly=lightyear 9.4607304725808e+15; astronomical_unit=au 149597870700; parsec=pc
    3.085677581467191580787162e+16; nautical_mile=nmi 1852;
    bohr=a_0=a0=bohr_radius=atomic_unit_of_length=a_u_length 5.291772105438828542801893e-11;
    planck_length 1.616255024423705286500048e-35; thou=th=mil_length 0.0000254;
    inch=in=international_inch=inches=international_inches 0.0254; hand 0.1016;
    foot=ft=international_foot=feet=international_feet 0.3048; yard=yd=international_yard 0.9144;
    mile=mi=international_mile 1609.344; link=li=survey_link 0.2011684023368046736093472;
    survey_foot=sft 0.3048006096012192024384049; fathom 1.828803657607315214630429;
    rod=rd=pole=perch 5.02921005842011684023368; chain 20.11684023368046736093472; furlong=fur
    201.1684023368046736093472; cables_length 219.4564389128778257556515;
    survey_mile=smi=us_statute_mile 1609.347218694437388874778; league 4828.041656083312166624333;
    pica=printers_pica 0.004233333333333333333333333; point=pp=printers_point=big_point=bp
    0.0003527777777777777777777778; didot 0.0003759398496240601503759398; cicero
    0.004511278195488721804511278; tex_point 0.0003514598035145980351459804; tex_pica
    0.004217517642175176421751764; tex_didot 0.0003760650274425863159124664; tex_cicero
    0.004512780329311035790949597; scaled_point 5.362851005776947557769476e-9; css_pixel=px
    0.0002645833333333333333333333; statfarad=statF 0.01; centimeter=cm 0.01
time: second=s=sec 1; minute=min 60; hour=h=hr 3600; day=d 86400; week 604800; fortnight 1209600;
    year=a=yr=julian_year 31557600; month 2629800; century=centuries 3155760000;
    millennium=millennia 31557600000; eon 3.15576e+16; shake 0.00000001; svedberg 1e-13;
    atomic_unit_of_time=a_u_time 2.418884326586341646409045e-17; gregorian_year 31556952;
    sidereal_year 31558149.7635456; tropical_year 31556925.2507328; common_year 31536000;
    leap_year 31622400; sidereal_day 86164.09053083286510399076; sidereal_month 2360591.55792;
    tropical_month 2360584.6848; synodic_month=lunar_month 2551442.8896; planck_time
    5.391246448313603961644851e-44
current: ampere=A=amp 1; biot=Bi 10; abampere=abA 10; atomic_unit_of_current=a_u_current
    0.006623618237508186151037332; mean_international_ampere=A_it 0.9998500734640026387070336;
    US_international_ampere=A_US 0.9998350816345908775156298; conventional_ampere_90=A_90
    1.00000008887143810491801; planck_current 3.478872754928505418242415e+25; ampere_turn=At 1;
    biot_turn 10; gilbert=Gb 0.7957747154594766788444188
luminosity: candela=cd=candle 1; lumen=lm 1
mass: gram=g 0.001; metric_ton=t=tonne 1000; unified_atomic_mass_unit=u=amu 1.66053906892e-27;
    dalton=Da 1.66053906892e-27; grain=gr 0.00006479891; gamma_mass 1e-9; carat=ct 0.0002;
    planck_mass 0.00000002176434342717898213927915; dram=dr=avoirdupois_dram=avdp_dram
    0.0017718451953125; ounce=oz=avoirdupois_ounce=avdp_ounce 0.028349523125;
    pound=lb=avoirdupois_pound=avdp_pound 0.45359237; stone 6.35029318; quarter 12.70058636; bag
    42.63768278; hundredweight=cwt=short_hundredweight 45.359237; long_hundredweight 50.80234544;
    ton=short_ton 907.18474; long_ton 1016.0469088; slug 14.59390293720636482939633;
    slinch=blob=slugette 175.1268352464763779527559; UK_hundredweight=UK_cwt 50.80234544; UK_ton
    1016.0469088; US_hundredweight=US_cwt 45.359237; US_ton 907.18474; pennyweight=dwt
    0.00155517384; troy_ounce=toz=ozt 0.0311034768; troy_pound=tlb=lbt 0.3732417216; scruple
    0.0012959782; apothecary_dram=ap_dr=apothecary_drachm=drachm 0.0038879346;
    apothecary_ounce=ap_oz 0.0311034768; apothecary_pound=ap_lb 0.3732417216; kilogram=kg 1;
    milligram=mg 0.000001
substance: mole=mol 1; particle=molec=molecule 1.660539067173846663790037e-24
temperature: kelvin=K=degK=°K=degree_Kelvin=degreeK 1; degree_Celsius=°C=celsius=degC=degreeC 1
    273.15;
    delta_degree_Celsius=Δ°C=Δcelsius=ΔdegC=ΔdegreeC=delta_celsius=delta_degC=delta_degreeC 1;
    degree_Rankine=°R=rankine=degR=degreeR 0.5555555555555555555555556;
    degree_Fahrenheit=°F=fahrenheit=degF=degreeF 0.5555555555555555555555556 459.67;
    delta_degree_Fahrenheit=Δ°F=Δfahrenheit=ΔdegF=ΔdegreeF=delta_fahrenheit=delta_degF=delta_degreeF
    0.5555555555555555555555556; degree_Reaumur=°Re=reaumur=degRe=degreeRe=degree_Réaumur=réaumur
    1.25 218.52;
    delta_degree_Reaumur=Δ°Re=Δreaumur=ΔdegRe=ΔdegreeRe=Δdegree_Réaumur=Δréaumur=delta_reaumur=delta_degRe=delta_degreeRe=delta_degree_Réaumur=delta_réaumur
    1.25; atomic_unit_of_temperature=a_u_temp 315775.0248039855075713463; planck_temperature
    1.416784162157342546194593e+32
1: radian=rad 1; count 1; turn=revolution=cycle=circle 6.283185307179586476925287;
    degree=deg=arcdeg=arcdegree=angular_degree 0.01745329251994329576923691;
    arcminute=arcmin=arc_minute=angular_minute 0.0002908882086657215961539485;
    arcsecond=arcsec=arc_second=angular_second 0.000004848136811095359935899141;
    milliarcsecond=mas 4.848136811095359935899141e-9; grade=grad=gon=gradian
    0.01570796326794896619231322; mil 0.00009817477042468103870195761; steradian=sr 1;
    square_degree=sq_deg=sqdeg 0.0003046174197867085993467435; percent=% 0.01; permille=‰ 0.001;
    ppm 0.000001; strain=ε=ϵ 1; refractive_index_unit=RIU 1; absorbance_unit=AU 1
information: bit=b 1; byte=B=octet 8
information*time^-1: baud=Bd=bps 1; Bps 8
length^2: are 100; barn=b 1e-28; darcy 9.869232667160128300024673e-13; hectare=ha 10000;
    circular_mil=cmil 5.067074790974977514316398e-10; square_inch=sq_in=square_inches 0.00064516;
    square_foot=sq_ft=square_feet 0.09290304; square_yard=sq_yd 0.83612736; square_mile=sq_mi
    2589988.110336; square_rod=sq_rod=sq_pole=sq_perch 25.29295381171407504105331; acre
    4046.872609874252006568529; square_survey_mile=section 2589998.470319521284203859;
    square_league 23309986.23287569155783473
length^3: liter=l=L=ℓ=litre 0.001; cubic_centimeter=cc 0.000001; lambda=λ 1e-9; stere 1;
    cubic_inch=cu_in 0.000016387064; cubic_foot=cu_ft=cubic_feet 0.028316846592; cubic_yard=cu_yd
    0.764554857984; acre_foot=acre_feet 1233.489238468148947899984; dry_pint=dpi=US_dry_pint
    0.0005506104713575; dry_quart=dqt=US_dry_quart 0.001101220942715;
    dry_gallon=dgal=US_dry_gallon 0.00440488377086; peck=pk 0.00880976754172; bushel=bu
    0.03523907016688; dry_barrel=US_dry_barrel 0.115627123584;
    board_foot=FBM=board_feet=BF=BDFT=super_foot=superficial_foot=super_feet=superficial_feet
    0.002359737216; minim 0.000000061611519921875;
    fluid_dram=fldr=fluidram=US_fluid_dram=US_liquid_dram 0.0000036966911953125;
    fluid_ounce=floz=US_fluid_ounce=US_liquid_ounce 0.0000295735295625;
    gill=gi=liquid_gill=US_liquid_gill 0.00011829411825; pint=pt=liquid_pint=US_pint
    0.000473176473; fifth=US_liquid_fifth 0.0007570823568; quart=qt=liquid_quart=US_liquid_quart
    0.000946352946; gallon=gal=liquid_gallon=US_liquid_gallon 0.003785411784; teaspoon=tsp
    0.00000492892159375; tablespoon=tbsp 0.00001478676478125; shot=jig=US_shot
    0.00004436029434375; cup=cp=liquid_cup=US_liquid_cup 0.0002365882365; barrel=bbl
    0.119240471196; oil_barrel=oil_bbl 0.158987294928; beer_barrel=beer_bbl 0.117347765304;
    hogshead 0.238480942392; imperial_minim 0.00000005919388020833333333333333;
    imperial_fluid_scruple 0.000001183877604166666666666667;
    imperial_fluid_drachm=imperial_fldr=imperial_fluid_dram 0.0000035516328125;
    imperial_fluid_ounce=imperial_floz=UK_fluid_ounce 0.0000284130625;
    imperial_gill=imperial_gi=UK_gill 0.0001420653125; imperial_cup=imperial_cp=UK_cup
    0.000284130625; imperial_pint=imperial_pt=UK_pint 0.00056826125;
    imperial_quart=imperial_qt=UK_quart 0.0011365225; imperial_gallon=imperial_gal=UK_gallon
    0.00454609; imperial_peck=imperial_pk=UK_pk 0.00909218; imperial_bushel=imperial_bu=UK_bushel
    0.03636872; imperial_barrel=imperial_bbl=UK_bbl 0.16365924
time^-1: hertz=Hz 1; revolutions_per_minute=rpm 0.1047197551196597746154214;
    revolutions_per_second=rps 6.283185307179586476925287; counts_per_second=cps 1; becquerel=Bq
    1; curie=Ci 37000000000; rutherford=Rd 1000000
length^-1: reciprocal_centimeter=cm_1=kayser 100
length*time^-1: knot=kn=kt=knot_international=international_knot 0.5144444444444444444444444;
    mile_per_hour=mph=MPH 0.44704; kilometer_per_hour=kph=KPH 0.2777777777777777777777778;
    kilometer_per_second=kps 1000; meter_per_second=mps 1; foot_per_second=fps 0.3048; LMH
    0.0000002777777777777777777777778; statmho 0.01
length^3*time^-1: sverdrup=sv 1000000
length*time^-2: galileo=Gal 0.01; meter_per_second_squared 1
length*mass*time^-2: newton=N 1; dyne=dyn 0.00001; force_kilogram=kgf=kilogram_force 9.80665;
    force_gram=gf=gram_force=pond 0.00980665; force_metric_ton=tf=metric_ton_force=force_t=t_force
    9806.65; atomic_unit_of_force=a_u_force 0.00000008238723503843027207338141;
    force_ounce=ozf=ounce_force 0.27801385095378125; force_pound=lbf=pound_force 4.4482216152605;
    force_ton=ton_force=force_short_ton=short_ton_force 8896.443230521;
    force_long_ton=long_ton_force 9964.01641818352; kip 4448.2216152605; poundal=pdl
    0.138254954376; UK_force_ton=UK_ton_force 9964.01641818352; US_force_ton=US_ton_force
    8896.443230521
length^2*mass*time^-2: joule=J 1; erg 0.0000001; watt_hour=Wh=watthour 3600;
    electron_volt=eV=electronvolt 1.602176634e-19; rydberg=Ry 2.179872361102988935214358e-18;
    hartree=E_h=Eh=hartree_energy=atomic_unit_of_energy=a_u_energy 4.359744722205977870428717e-18;
    calorie=cal=thermochemical_calorie=cal_th 4.184;
    international_calorie=cal_it=international_steam_table_calorie 4.1868;
    fifteen_degree_calorie=cal_15 4.1855; british_thermal_unit=Btu=BTU=Btu_iso 1055.056;
    international_british_thermal_unit=Btu_it 1055.05585262;
    thermochemical_british_thermal_unit=Btu_th 1054.350264488888888888889; quadrillion_Btu=quad
    1.055056e+18; therm=thm=EC_therm 105505600; US_therm 105480400; ton_TNT=tTNT 4184000000;
    tonne_of_oil_equivalent=toe 41868000000; atmosphere_liter=atm_l 101.325;
    foot_pound=ft_lb=footpound 1.3558179483314004
length^2*mass*time^-3: watt=W 1; volt_ampere=VA 1;
    horsepower=hp=UK_horsepower=hydraulic_horsepower 745.69987158227022; boiler_horsepower
    9810.555444444444444444444; metric_horsepower 735.49875; electrical_horsepower 746;
    refrigeration_ton=ton_of_refrigeration 3516.853333333333333333333; cooling_tower_ton
    4396.066666666666666666667; standard_liter_per_minute=slpm=slm 1.68875;
    conventional_watt_90=W_90 1.000000195536554834989936
length^-1*mass*time^-2: pascal=Pa 1; barye=Ba=barie=barad=barrie=baryd 0.1; bar 100000;
    technical_atmosphere=at 98066.5; torr 133.3223684210526315789474;
    pound_force_per_square_inch=psi 6894.757293168361336722673; kip_per_square_inch=ksi
    6894757.293168361336722673; meter_H2O=mH2O=m_H2O 9806.65; meter_H2O_4C=mH2O_4C=m_H2O_4C
    9806.3754138; meter_H2O_60F=mH2O_60F=m_H2O_60F 9796.85315665;
    inch_H2O=inH2O=in_H2O=inchesH2O=inches_H2O 249.08891;
    inch_H2O_4C=inH2O_4C=in_H2O_4C=inchesH2O_4C=inches_H2O_4C 249.08193551052;
    inch_H2O_60F=inH2O_60F=in_H2O_60F=inchesH2O_60F=inches_H2O_60F 248.84007017891;
    foot_H2O=ftH2O=ft_H2O=feetH2O=feet_H2O 2989.06692;
    foot_H2O_4C=ftH2O_4C=ft_H2O_4C=feetH2O_4C=feet_H2O_4C 2988.98322612624;
    foot_H2O_60F=ftH2O_60F=ft_H2O_60F=feetH2O_60F=feet_H2O_60F 2986.08084214692; meter_Hg=mHg=m_Hg
    133322.387415; meter_Hg_0C=mHg_0C=m_Hg_0C 133322.387415; meter_Hg_32F=mHg_32F=m_Hg_32F
    133322.387415; meter_Hg_60F=mHg_60F=m_Hg_60F 132946.79272;
    inch_Hg=inHg=in_Hg=inchesHg=inches_Hg 3386.388640341;
    inch_Hg_0C=inHg_0C=in_Hg_0C=inchesHg_0C=inches_Hg_0C 3386.388640341;
    inch_Hg_32F=inHg_32F=in_Hg_32F=inchesHg_32F=inches_Hg_32F 3386.388640341;
    inch_Hg_60F=inHg_60F=in_Hg_60F=inchesHg_60F=inches_Hg_60F 3376.848535088;
    foot_Hg=ftHg=ft_Hg=feetHg=feet_Hg 40636.663684092;
    foot_Hg_0C=ftHg_0C=ft_Hg_0C=feetHg_0C=feet_Hg_0C 40636.663684092;
    foot_Hg_32F=ftHg_32F=ft_Hg_32F=feetHg_32F=feet_Hg_32F 40636.663684092;
    foot_Hg_60F=ftHg_60F=ft_Hg_60F=feetHg_60F=feet_Hg_60F 40522.182421056;
    sound_pressure_level=SPL 0.00002
length^-1*mass*time^-1: poise=P 0.1; reyn 6894.757293168361336722673
length^2*time^-1: stokes=St 0.0001
length*mass^-1*time: rhe 10
length^-3*substance: molar=M 1000
substance*time^-1: katal=kat 1; enzyme_unit=U=enzymeunit 0.00000001666666666666666666666667
length^2*mass*temperature^-1*time^-2: clausius=Cl 4.184
length^2*mass*substance^-1*temperature^-1*time^-2: entropy_unit=eu 4.184
length^2*time^-2: gray=Gy 1; sievert=Sv 1; rads 0.01; rem 0.01; RKM 9806.65
current*mass^-1*time: roentgen=röntgen 0.000258
mass*time^-2: peak_sun_hour=PSH 3600000; langley=Ly 41840
length^-2*luminosity: nit 1; stilb 10000; lambert 3183.098861837906715377675; lux=lx 1
mass*time^-3: atomic_unit_of_intensity=a_u_intensity 3.509445527729843630804779e+20
current*time: coulomb=C 1; abcoulomb=abC 10; faraday 96485.3321233100184;
    conventional_coulomb_90=C_90 1.00000008887143810491801; ampere_hour=Ah 3600
current^-1*length^2*mass*time^-3: volt=V 1; abvolt=abV 0.00000001; mean_international_volt=V_it
    1.00034; US_international_volt=V_US 1.00033; conventional_volt_90=V_90
    1.000000106665107250590449
current^-1*length*mass*time^-3: atomic_unit_of_electric_field=a_u_electric_field
    514220675112.0942391260801
current^-1*mass*time^-3: atomic_unit_of_electric_field_gradient=a_u_efg
    9.717362442414773625653951e+21
current^-1*length^4*mass*time^-3: townsend=Td 1e-21
current^-2*length^2*mass*time^-3: ohm=Ω 1; abohm=abΩ 1e-9; mean_international_ohm=Ω_it=ohm_it
    1.00049; US_international_ohm=Ω_US=ohm_US 1.000495; conventional_ohm_90=Ω_90=ohm_90
    1.000000017793667564323613
current^2*length^-2*mass^-1*time^3: siemens=S=mho 1; absiemens=abS=abmho 1000000000
current^2*length^-2*mass^-1*time^4: farad=F 1; abfarad=abF 1000000000; conventional_farad_90=F_90
    0.9999999822063327522909864
current^-1*length^2*mass*time^-2: weber=Wb 1; unit_pole 0.0000001256637061269600051427993
current^-2*length^2*mass*time^-2: henry=H 1; abhenry=abH 1e-9; conventional_henry_90=H_90
    1.000000017793667564323613
current^-1*mass*time^-2: tesla=T 1; gamma=γ 1e-9
current*length*time: debye=D 3.335640951981520495755767e-30
current*length^2*time: buckingham 3.335640951981520495755767e-40
current*length^2: bohr_magneton=µ_B=mu_B 9.274010065738068820809693e-24; nuclear_magneton=µ_N=mu_N
    5.050783739271897142950471e-27
printing_unit: pixel=dot=pel=picture_element 1
length^-1*printing_unit: pixels_per_centimeter=PPCM 100;
    pixels_per_inch=dots_per_inch=PPI=ppi=DPI=printers_dpi 39.37007874015748031496063
information*printing_unit^-1: bits_per_pixel=bpp 1
length^-1*mass: tex=Tt 0.000001; dtex 0.0000001; denier=den 0.0000001111111111111111111111111;
    jute=Tj 0.00003444823943448041217070088; aberdeen=Ta 0.00003444823943448041217070088
length*mass^-1: number_english=Ne=NeC=ECC 1693.361817351557302429933; number_meter=Nm 1000
length^1.5*mass^0.5*time^-1: franklin=Fr=statcoulomb=statC=esu 0.00003162277660168379331998894;
    maxwell=Mx 0.00003162277660168379331998894
length^0.5*mass^0.5*time^-1: statvolt=statV 0.003162277660168379331998894
length^1.5*mass^0.5*time^-2: statampere=statA 0.00003162277660168379331998894
length^-0.5*mass^0.5*time^-1: gauss=G 0.3162277660168379331998894; oersted=Oe=ørsted
    0.3162277660168379331998894
length^-1*time: statohm=statΩ 100
length^0.5*mass^0.5: statweber=statWb 0.003162277660168379331998894
length^-1.5*mass^0.5: stattesla=statT 31.62277660168379331998894
length^-1*time^2: stathenry=statH 100
operation: FLOP=flop 1
operation*time^-1: FLOPS 1; OPS 1
"""
"""A line begins with a dimension; then units: their names, and the size in base units.
A third number is what is added first, to count from absolute zero."""
