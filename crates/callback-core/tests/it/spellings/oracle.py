"""The judge of spellings: python3-phonenumbers, which is Google's libphonenumber in Python and no work of this house.

For each country it takes the example numbers of every kind by Google's metadata, changes their last digits and their
length, and writes each as people, telephones and programs do. On stdout a line for each spelling: the country in which
it is read, the kind of the number it was made of, the spelling's name, the spelling itself, and what it means:
`+79161234567 RU`, `refused` for a number of a class that is never dialled, or `invalid`. The same lines at every run.
"""

import json
import random
import sys

from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    country_code_for_region,
    example_number_for_type,
    format_number,
    format_out_of_country_calling_number,
    is_valid_number,
    national_significant_number,
    number_type,
    parse,
    region_code_for_number,
)

COUNTRIES = "RU KZ BY UA US CA GB DE FR IT ES PL TR GE AM IL IN CN BR AU".split()
KINDS = {
    "fixed": PhoneNumberType.FIXED_LINE,
    "mobile": PhoneNumberType.MOBILE,
    "toll-free": PhoneNumberType.TOLL_FREE,
    "premium": PhoneNumberType.PREMIUM_RATE,
    "shared": PhoneNumberType.SHARED_COST,
    "voip": PhoneNumberType.VOIP,
    "personal": PhoneNumberType.PERSONAL_NUMBER,
    "pager": PhoneNumberType.PAGER,
    "uan": PhoneNumberType.UAN,
    "voicemail": PhoneNumberType.VOICEMAIL,
}
REFUSED = {
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PAGER,
    PhoneNumberType.VOICEMAIL,
    PhoneNumberType.UNKNOWN,
}
# How one dials out of each country, and a national number in it, as its own people write it.
OUT = {
    "RU": "8~10", "KZ": "8~10", "BY": "8~10", "UA": "00", "US": "011", "CA": "011", "GB": "00", "DE": "00",
    "FR": "00", "IT": "00", "ES": "00", "PL": "00", "TR": "00", "GE": "00", "AM": "00", "IL": "00", "IN": "00",
    "CN": "00", "BR": "0015", "AU": "0011",
}
TRUNK = {
    "RU": "8", "KZ": "8", "BY": "8 0", "UA": "0", "US": "1", "CA": "1", "GB": "0", "DE": "0", "FR": "0", "IT": "",
    "ES": "", "PL": "", "TR": "0", "GE": "0", "AM": "0", "IL": "0", "IN": "0", "CN": "0", "BR": "0", "AU": "0",
}
FULL_WIDTH = str.maketrans("0123456789+-() ", "０１２３４５６７８９＋－（）　")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def spaced(digits, by):
    """Three by three, what is left in one or two shorter groups."""
    head, tail = digits[:3], digits[3:]
    groups = [head]
    while len(tail) > 4:
        groups.append(tail[:3])
        tail = tail[3:]
    groups += [tail[:2], tail[2:]] if len(tail) > 3 else [tail]
    return by.join(group for group in groups if group)


def spellings(number, country):
    """Every way to write a number, each with its name."""
    code, national = str(number.country_code), national_significant_number(number)
    plain = format_number(number, PhoneNumberFormat.INTERNATIONAL)
    home = format_number(number, PhoneNumberFormat.NATIONAL)
    out, trunk = OUT[country], TRUNK[country]
    yield "e164", f"+{code}{national}"
    yield "spaces", f"+{code} {spaced(national, ' ')}"
    yield "dashes", f"+{code}-{spaced(national, '-')}"
    yield "dots", f"+{code}.{spaced(national, '.')}"
    yield "brackets", f"+{code} ({national[:3]}) {spaced(national[3:], '-')}"
    yield "no-break spaces", f"+{code}\u00a0{spaced(national, chr(0xa0))}"
    yield "narrow spaces", f"+{code}\u202f{spaced(national, chr(0x202f))}"
    yield "odd dashes", f"+{code} {spaced(national, chr(0x2011))}"
    yield "long dashes", f"+{code} {spaced(national, chr(0x2013))}"
    yield "slashes", f"+{code} {national[:3]}/{national[3:]}"
    yield "full width", plain.translate(FULL_WIDTH)
    yield "arabic digits", plain.translate(ARABIC)
    yield "marked", f"\u202a{plain}\u202c"
    yield "padded", f"  {plain}\t"
    yield "wordy", f"тел.: {plain}"
    yield "uri", format_number(number, PhoneNumberFormat.RFC3966)
    yield "bare uri", f"tel:+{code}{national}"
    yield "code alone", f"{code}{national}"
    yield "trunk in brackets", f"+{code} (0) {spaced(national, ' ')}"
    yield "out", f"{out}{code}{national}"
    yield "out spaced", f"{out} {code} {spaced(national, ' ')}"
    yield "00", f"00{code}{national}"
    yield "00 spaced", f"00 {code} {spaced(national, '-')}"
    yield "home", home
    yield "home full width", home.translate(FULL_WIDTH)
    yield "trunk", f"{trunk}{national}"
    yield "trunk spaced", f"{trunk} {spaced(national, ' ')}"
    yield "trunk brackets", f"{trunk} ({national[:3]}) {spaced(national[3:], '-')}"
    yield "bare", national
    yield "bare spaced", spaced(national, " ")
    yield "bare dotted", spaced(national, ".")
    yield "local", national[3:]


def numbers(kind, country, draw):
    """The example, some of its neighbours, one too short and one too long."""
    example = example_number_for_type(country, KINDS[kind])
    if example is None:
        return
    code, national = example.country_code, national_significant_number(example)
    neighbours = [national[:-kept] + "".join(draw.choice("0123456789") for _ in range(kept)) for kept in (2, 4, 6)]
    for text in [national, *neighbours, national[:-1], national + "7"]:
        zeros = len(text) - len(text.lstrip("0"))
        number = PhoneNumber(country_code=code, national_number=int(text))
        if zeros:
            number.italian_leading_zero, number.number_of_leading_zeros = True, zeros
        yield number


def meaning(text, country):
    try:
        number = parse(text, country)
    except NumberParseException:
        return "invalid"
    if not is_valid_number(number):
        return "invalid"
    if number_type(number) in REFUSED:
        return "refused"
    return f"{format_number(number, PhoneNumberFormat.E164)} {region_code_for_number(number)}"


def lines():
    draw = random.Random(20270115)
    for country in COUNTRIES:
        for kind in KINDS:
            for number in numbers(kind, country, draw):
                for name, text in spellings(number, country):
                    yield country, kind, name, text, meaning(text, country)
                # The same number, asked for from abroad, as that country writes it.
                abroad = draw.choice([other for other in COUNTRIES if other != country])
                text = format_out_of_country_calling_number(number, abroad)
                yield abroad, kind, "from abroad", text, meaning(text, abroad)


for line in lines():
    sys.stdout.write(json.dumps(line) + "\n")
