#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compact schema read by somebody else is the schema: compact.py POLICY.rng POLICY.rnc

Both are brought to one form: without documentation, groups around one pattern or in a sequence
undone, of values only the text (rnc2rng knows no types there), patterns of parameters as they are.
"""
import re
import sys
import xml.etree.ElementTree as tree

from rnc2rng import parser, serializer

NAMESPACE = "{http://relaxng.org/ns/structure/1.0}"


def form(node):
    """A pattern as nested tuples."""
    name = node.tag.removeprefix(NAMESPACE)
    if name in ("value", "param"):
        return (name, node.get("name", ""), node.text or "")
    called = node.get("name", node.get("type", ""))
    children = []
    for child in node:
        if not child.tag.startswith(NAMESPACE):
            continue
        if child.tag == NAMESPACE + "name":
            called = child.text
            continue
        pattern = form(child)
        if pattern[0] == "group" and name != "choice":
            children += pattern[2:]
        elif pattern[0] == "group" and len(pattern) == 3:
            children.append(pattern[2])
        elif pattern[0] == "choice" and (name == "choice" or len(pattern) == 3):
            children += pattern[2:]
        else:
            children.append(pattern)
    if len(children) > 1:
        children = [c for c in children if c[0] != "empty"] or children[:1]
    if name in ("define", "element", "attribute", "ref", "data"):
        children.insert(0, called)
    if name == "data":
        children[1:] = sorted(children[1:])
    return (name, "", *children)


def definitions(root):
    return {pattern[2] if pattern[0] == "define" else pattern[0]: pattern
            for pattern in map(form, root)}


def main():
    is_xml = definitions(tree.parse(sys.argv[1]).getroot())
    with open(sys.argv[2], encoding="utf-8") as file:
        compact = re.sub(r'\bstring "', '"', file.read())
    written = serializer.XMLSerializer().toxml(parser.parse(compact))
    is_compact = definitions(tree.fromstring(written))
    if len(is_xml) < 50:
        sys.exit(f"FAILED: where are the definitions of {sys.argv[1]}?")
    for name in sorted(is_xml.keys() | is_compact.keys()):
        if is_xml.get(name) != is_compact.get(name):
            sys.exit(f"FAILED: {name} is\n{is_xml.get(name)}\nand in the compact schema\n"
                     f"{is_compact.get(name)}")


main()
