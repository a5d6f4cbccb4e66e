#!/usr/bin/env python3
"""Makes areas.tsv of the Python package phonenumbers (Debian: python3-phonenumbers, or PyPI), which carries
libphonenumber's geocoding.

A line is the number's first digits with the country's code, the area in English, in Russian; a longer line counts before a
shorter one. Areas of three digits are kept for every country, and all where there are Russian names: finer ones would make
the file of 180 kB into one of 7 MB for towns that nobody filters by."""
import pathlib

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from phonenumbers.geodata import GEOCODE_DATA

LONGEST = 3


def national(digits):
    code = next(n for n in (1, 2, 3) if int(digits[:n]) in COUNTRY_CODE_TO_REGION_CODE)
    return digits[code:]


kept = {}
for digits in sorted(GEOCODE_DATA):
    names = GEOCODE_DATA[digits]
    area = names.get("en", ""), names.get("ru", "")
    if not any(area) or (len(national(digits)) > LONGEST and "ru" not in names):
        continue
    wider = next((kept[digits[:n]] for n in range(len(digits) - 1, 0, -1) if digits[:n] in kept), None)
    if wider != area:
        kept[digits] = area
out = pathlib.Path(__file__).with_name("areas.tsv")
out.write_text("".join(f"{digits}\t{en}\t{ru}\n" for digits, (en, ru) in kept.items()), encoding="utf-8")
