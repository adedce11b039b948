"""XML as programs leave it: slips are repaired, legacy encodings recognised, and hostile files refused."""

from __future__ import annotations

import codecs
import time

import pytest

from index_builder.annotations.metadata import BookMetadata
from index_builder.annotations.registry import parse_file
from retrieval.books.formats.xml import decode_text, local_name, parse_xml
from retrieval.errors import SourceError

DECLARED = '<?xml version="1.0" encoding="{}"?>\n'


def info(series: str) -> str:
    return f"<ComicInfo><Series>{series}</Series><Number>7</Number></ComicInfo>"


FORMS: dict[str, tuple[bytes, str]] = {
    "blank lines first": (f"\r\n \n{DECLARED.format('utf-8')}{info('Étoile')}".encode(), "Étoile"),
    "mark and blank line": (codecs.BOM_UTF8 + f"\n{DECLARED.format('utf-8')}{info('Étoile')}".encode(), "Étoile"),
    "nulls at the end": (f"{DECLARED.format('utf-8')}{info('Étoile')}\0\0\0".encode(), "Étoile"),
    "text at the end": (f"{info('Étoile')}\nsaved by a program".encode(), "Étoile"),
    "two declarations": (f"{DECLARED.format('utf-8')}{DECLARED.format('utf-16')}{info('Étoile')}".encode(), "Étoile"),
    "prefix of an attribute": (info("Étoile").replace("Info>", 'Info xsi:schemaLocation="a b">', 1).encode(), "Étoile"),
    "prefix of an element": (info("Étoile").replace("<Number", "<x:Note>n</x:Note><Number").encode(), "Étoile"),
    "bare ampersand": (info("Étoile & Mer &c; R&B&").encode(), "Étoile & Mer &c; R&B&"),
    "bare less-than": (info("I < 3 <- you").encode(), "I < 3 <- you"),
    "entities of HTML": (info("&Eacute;toile&nbsp;&amp; Mer&hellip; &#233; &lt;3").encode(), "Étoile\u00a0& Mer… é <3"),
    "control characters": (info("Ét\x0boi\x01le&#0;&#x1f;").encode(), "Étoile"),
    "section of text": (info("<![CDATA[Étoile & <Mer>]]> & co").encode(), "Étoile & <Mer> & co"),
}


@pytest.mark.parametrize("form", FORMS)
def test_slips_are_repaired(form: str) -> None:
    """Series and number are read as they were meant, without a warning."""
    data, series = FORMS[form]
    assert facts(data) == {"series": series, "number": "7"}


def facts(data: bytes) -> dict[str, str]:
    parsed = parse_file(data)
    assert (parsed.format, parsed.warning) == ("ComicInfo", "")
    assert isinstance(parsed.metadata, BookMetadata)
    return dict(parsed.metadata.fields)


ENCODED = [
    ("Étoile", "cp1252", "utf-8"), ("Étoile & Mer", "latin-1", "utf-8"),
    ("L\u2019Été à l\u2019Île \u2013 \u201cNoël\u201d", "cp1252", "utf-8"),
    ("L\u2019Été", "cp1252", "iso-8859-1"), ("Étoile", "utf-8", "iso-8859-1"), ("夜港", "utf-8", "Shift_JIS"),
    ("夜港", "cp932", "utf-8"), ("ガンバの冒険", "cp932", "Shift_JIS"), ("ワンピース", "cp932", "utf-8"),
    ("夜の港", "euc_jp", "utf-8"), ("夜港", "gbk", "utf-8"), ("海贼王", "gbk", "gb2312"),
    ("一拳超人", "gb18030", "utf-8"),
    ("進擊的巨人", "big5", "utf-8"), ("진격의 거인", "cp949", "euc-kr"), ("진격의 거인", "cp949", "utf-8"),
    ("Étoile 夜港", "utf-16-le", "utf-8"), ("Étoile 夜港", "utf-16-be", "utf-8"), ("Étoile", "utf-16", "utf-8"),
    ("Étoile 夜港", "utf-8-sig", "utf-16"), ("夜港", "utf-8", "utf-16"), ("Étoile", "cp1252", "no-such-encoding"),
    ("夜港", "iso2022_jp", "iso-2022-jp"),
]  # fmt: skip


@pytest.mark.parametrize(("series", "encoding", "declared"), ENCODED)
def test_encodings_that_are_not_as_declared(series: str, encoding: str, declared: str) -> None:
    """Facts are right whatever the declaration, also with an ampersand that needs a repair."""
    text = DECLARED.format(declared) + info(series.replace("&", "&amp;"))
    assert facts(text.encode(encoding)) == {"series": series, "number": "7"}
    assert facts(text.replace("7", "R & B").encode(encoding)) == {"series": series, "number": "R & B"}


@pytest.mark.parametrize(
    ("series", "encoding", "language"),
    [
        ("ПЁТР", "cp1251", "ru"),
        ("Żółw", "cp1250", "pl"),
        ("夜港", "big5", "zh"),
        ("만화", "cp949", "ko"),
        ("ｶﾞﾝﾊﾞ", "cp932", "ja"),
    ],
)
def test_the_language_decides(series: str, encoding: str, language: str) -> None:
    """A book's language names the encoding that programs wrote for it before Unicode."""
    text = DECLARED.format("utf-8") + info(series).replace("<Number", f"<LanguageISO>{language}</LanguageISO><Number")
    assert facts(text.encode(encoding))["series"] == series


def test_damaged_utf_8_stays_utf_8() -> None:
    """One damaged character among many whole ones changes nothing but itself."""
    data = "夜の港、夜の船".encode()
    assert decode_text(data[:-1]) == "夜の港、夜の\ufffd"
    assert decode_text(b"") == ""


HOSTILE = {
    "bomb": b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><ComicInfo><Series>&c;</Series></ComicInfo>',
    "outside": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><ComicInfo><Series>&b;</Series></ComicInfo>',
    "parameter": b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1/x"> %b;]><ComicInfo/>',
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("slip", [b"", b"\n", b"<?xml version='1.0'?>\n<?xml version='1.0'?>"])
def test_entities_are_refused_also_after_a_repair(kind: str, slip: bytes) -> None:
    """A slip that would be repaired does not bring entities back."""
    data = (slip + b"<?xml version='1.0'?>" if slip else b"") + HOSTILE[kind]
    with pytest.raises(SourceError, match="declares entities"):
        parse_xml(data)
    assert "entities" in parse_file(data).warning


@pytest.mark.parametrize(
    "data",
    [b"<ComicInfo><Series>", b"<ComicInfo></Other>", b"<", b"<a b=1/>", b"<ComicInfo>&", b"<a><b></a></b>"],
)
def test_other_damage_leaves_a_warning(data: bytes) -> None:
    """Damage without a certain repair raises an error."""
    with pytest.raises(SourceError, match="damaged XML"):
        parse_xml(data)


@pytest.mark.parametrize("part", [b"<a '", b"&a", b"<!--", b"<![CDATA[", b"<?xml ", b"<a:b ", b"\xe9<"])
def test_repairs_take_no_longer_for_hostile_files(part: bytes) -> None:
    """The time grows with the file, not with its square."""
    began = time.process_time()
    with pytest.raises(SourceError):
        parse_xml(b"<ComicInfo>" + part * (2_000_000 // len(part)))
    assert time.process_time() - began < 20


def test_namespaces_stay() -> None:
    """A declared prefix keeps its namespace, and a sound file is not changed."""
    root = parse_xml(b'<p:a xmlns:p="urn:x" q:c="1"><p:b/>&nbsp;</p:a>')
    assert root.tag == "{urn:x}a"
    assert [local_name(name) for name in root.attrib] == ["c"]
