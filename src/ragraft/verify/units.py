"""What numbers are counted in: units with their exact conversions, currencies, months, number words."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CURRENCIES", "MONTHS", "NUMBER_WORDS", "SCALES", "UNITS", "WEEKDAYS"]

_MEASURES = (
    "s 1 s,sec,secs,second,seconds,sekunde,sekunden; s 60 min,mins,minute,minutes,minuten; "
    "s 3600 h,hr,hrs,hour,hours,std,stunde,stunden; d 1 day,days,calendar day,calendar days,tag,tage,"
    "tagen,kalendertage; "
    "d 7 week,weeks,woche,wochen; month 1 month,months,monat,monate,monaten; month 3 quarter,quarters,"
    "quartal,quartale; "
    "month 12 year,years,yr,yrs,jahr,jahre,jahren; month 120 decade,decades,jahrzehnt,jahrzehnte; "
    "month 1200 century,centuries,jahrhundert,jahrhunderte; "
    "workday 1 business day,business days,working day,working days,workday,workdays,work day,work days,"
    "arbeitstag,arbeitstage,arbeitstagen,werktag,werktage,werktagen; "
    "night 1 night,nights,nacht,nächte,nächten; time 1 times,mal; "
    "m 0.001 mm,millimetre,millimetres,millimeter,millimeters; m 0.01 cm,centimetre,centimetres,"
    "centimeter,centimeters,zentimeter; "
    "m 1 m,metre,metres,meter,meters,metern; m 1000 km,kilometre,kilometres,kilometer,kilometers,kilometern; "
    "mile 1 mile,miles,mi,meile,meilen; inch 1 inch,inches,in.,zoll; inch 12 foot,feet,ft; inch 36 yard,"
    "yards,yd; "
    "g 0.001 mg,milligram,milligrams,milligramm; g 1 g,gram,grams,gramm; g 1000 kg,kilo,kilos,kilogram,"
    "kilograms,kilogramm; "
    "g 1000000 t,tonne,tonnes,tonnen; pound 1 lb,lbs,pound,pounds,pfund; ounce 1 oz,ounce,ounces; ton 1 "
    "ton,tons; "
    "l 0.001 ml,millilitre,millilitres,milliliter; l 1 l,litre,litres,liter,liters; "
    "B 1 byte,bytes; B 1000 kb; B 1000000 mb; B 1000000000 gb; B 1000000000000 tb; "
    "deg 1 °c,°,degrees,degree,grad; degf 1 °f; K 1 kelvin; "
    "W 1 w,watt,watts; W 1000 kw,kilowatt,kilowatts; W 1000000 mw,megawatt,megawatts; Wh 1 wh; Wh 1000 kwh; "
    "V 1 v,volt,volts; A 1 amp,amps,ampere; Hz 1 hz; Hz 1000 khz; Hz 1000000 mhz; Hz 1000000000 ghz; "
    "N 1 n,newton,newtons; N 1000 kn; Pa 1 pa; Pa 1000 kpa; Pa 1000000 mpa; bar 1 bar; dB 1 db,decibel,"
    "decibels; "
    "km/h 1 km/h,kmh,kph; mph 1 mph; m/s 1 m/s; m2 1 m²,sqm,square metres,square meters,square metre,"
    "quadratmeter; "
    "m2 1000000 km²,square kilometres,square kilometers,quadratkilometer; acre 1 acre,acres; m2 10000 "
    "hectare,hectares,ha,hektar; "
    "sqmi 1 square miles,square mile; sqft 1 square feet,sq ft; m3 1 m³,cubic metres,cubic meters,"
    "kubikmeter; "
    "person 1 people,persons,person,personen,menschen; page 1 pages,page,seiten; piece 1 pieces,piece,pcs,"
    "stück; "
    "token 1 tokens; point 1 points,punkte,punkten; word 1 words"
)


def _units() -> dict[str, tuple[float, str]]:
    found = {}
    for group in _MEASURES.split("; "):
        unit, factor, names = group.split(" ", 2)
        for name in names.split(","):
            found[name] = (float(factor), unit)
    return found


UNITS: Mapping[str, tuple[float, str]] = _units()
"""The factor to a base unit, and that unit, by each way to write it."""

CURRENCIES: Mapping[str, str] = {
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "$": "USD",
    "us$": "USD",
    "usd": "USD",
    "dollar": "USD",
    "dollars": "USD",
    "us dollars": "USD",
    "£": "GBP",
    "gbp": "GBP",
    "sterling": "GBP",
    "¥": "JPY",
    "jpy": "JPY",
    "yen": "JPY",
    "chf": "CHF",
    "franken": "CHF",
    "czk": "CZK",
    "kronen": "CZK",
    "crowns": "CZK",
    "rmb": "CNY",
    "yuan": "CNY",
    "cent": "cent",
    "cents": "cent",
}

SCALES: Mapping[str, float] = {
    "thousand": 1e3,
    "k": 1e3,
    "tausend": 1e3,
    "tsd": 1e3,
    "million": 1e6,
    "millions": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "millionen": 1e6,
    "billion": 1e9,
    "billions": 1e9,
    "bn": 1e9,
    "mrd": 1e9,
    "milliarde": 1e9,
    "milliarden": 1e9,
    "trillion": 1e12,
    "trillions": 1e12,
    "billionen": 1e12,
}

_MONTHS = (
    "january,jan,januar,jänner february,feb,februar march,mar,märz april,apr may,mai june,jun,juni july,"
    "jul,juli "
    "august,aug september,sep,sept october,oct,oktober,okt november,nov december,dec,dezember,dez"
)
MONTHS: Mapping[str, int] = {
    name: number for number, names in enumerate(_MONTHS.split(), 1) for name in names.split(",")
}
_WEEKDAYS = (
    "monday,mondays,montag,montags tuesday,tuesdays,dienstag,dienstags wednesday,wednesdays,mittwoch,"
    "mittwochs "
    "thursday,thursdays,donnerstag,donnerstags friday,fridays,freitag,freitags saturday,saturdays,samstag,"
    "samstags,sonnabend "
    "sunday,sundays,sonntag,sonntags"
)
WEEKDAYS: Mapping[str, int] = {
    name: number for number, names in enumerate(_WEEKDAYS.split(), 1) for name in names.split(",")
}

_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_GERMAN = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
    "siebzehn achtzehn neunzehn"
)
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "zwanzig": 20, "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60, "siebzig": 70, "achtzig": 80, "neunzig": 90,
}  # fmt: skip


def _number_words() -> dict[str, float]:
    found: dict[str, float] = {}
    for names in (_ENGLISH, _GERMAN):
        found.update({name: float(number) for number, name in enumerate(names.split())})
    found.update({name: float(number) for name, number in _TENS.items()})
    for one, name in enumerate(["ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"], 1):
        found.update({f"{name}und{ten}": float(_TENS[ten] + one) for ten in _TENS if ten.endswith("ig")})
        found.update({f"{name}und{ten}": float(_TENS[ten] + one) for ten in ("dreißig",)})
    found.update(dict.fromkeys(("ein", "eine", "einen", "einem", "einer"), 1.0))
    found.update({"hundred": 100.0, "hundert": 100.0, "thousand": 1000.0, "tausend": 1000.0, "dozen": 12.0})
    return found


NUMBER_WORDS: Mapping[str, float] = _number_words()
