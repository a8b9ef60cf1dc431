#!/usr/bin/env python3
"""Checks pages of HTML as a browser's parser reads them: html5lib's strict parser, which stops at the first error of
syntax or nesting; each id once; each link within the page leads somewhere; the policy admits the page's scripts.

    scripts/check_html.py PAGE...       needs html5lib (Debian: python3-html5lib)
"""
import base64
import hashlib
import re
import sys
from xml.etree import ElementTree

import html5lib

HTML = "{http://www.w3.org/1999/xhtml}"


def faults(path):
    with open(path, "rb") as page:
        bytes_read = page.read()
    try:
        html5lib.HTMLParser(strict=True).parse(bytes_read, override_encoding="utf-8")
    except html5lib.html5parser.ParseError as error:
        yield f"not HTML: {error}"
        return
    tree: ElementTree.Element = html5lib.parse(bytes_read, override_encoding="utf-8")
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    for repeated in {name for name in ids if ids.count(name) > 1}:
        yield f"id {repeated} stands there more than once"
    for link in tree.iter(HTML + "a"):
        target = link.get("href", "")
        if target.startswith("#") and target[1:] not in ids:
            yield f"{target} leads nowhere"
    policy = "".join(meta.get("content", "") for meta in tree.iter(HTML + "meta") if meta.get("http-equiv"))
    admitted = re.findall("'sha256-([^']*)'", policy)
    for script in tree.iter(HTML + "script"):
        digest = base64.b64encode(hashlib.sha256((script.text or "").encode()).digest()).decode()
        if digest not in admitted:
            yield f"the policy does not admit the script, whose SHA-256 is {digest}"


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) > 1 else 2
    bad = 0
    for path in sys.argv[1:]:
        for fault in faults(path):
            print(f"{path}: {fault}")
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
