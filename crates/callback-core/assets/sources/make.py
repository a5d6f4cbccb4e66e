#!/usr/bin/env python3
"""Makes sources.tsv of Matomo's lists: make.py FOLDER, a checkout of matomo-org/searchengine-and-social-list.

A line is kind, name, host (and path), names of query parameters with the keyword. Parameters that Matomo finds by regular
expressions, its back links and old charsets are left out: no engine of today needs them. Debian: python3-yaml."""
import pathlib
import sys

import yaml

folder = pathlib.Path(sys.argv[1])


def read(name):
    return yaml.safe_load((folder / name).read_text(encoding="utf-8"))


lines = []
for name, groups in read("SearchEngines.yml").items():
    for group in groups:
        params = ",".join(p for p in group.get("params") or [] if not p.startswith("/"))
        lines += [("search", name, url, params) for url in group["urls"]]
for kind, name in (("ai", "AIAssistants.yml"), ("social", "Socials.yml")):
    lines += [(kind, who, url, "") for who, urls in read(name).items() for url in urls]
lines = [line for line in lines if not line[2].startswith(("android-app", "com."))]
out = pathlib.Path(__file__).with_name("sources.tsv")
out.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
