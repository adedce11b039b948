"""Metadata and annotations in the files inside a book and next to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from index_builder.annotations.file_names import metadata_from_name
from index_builder.annotations.metadata import MetadataFields, merge_fields
from index_builder.annotations.page_names import match_names
from index_builder.annotations.records import RawAnnotation
from index_builder.annotations.registry import ParsedFile, parse_file
from index_builder.sources import BookRef, error_reason
from retrieval.books import BookFormat, ReadLimits, is_page, read_page, suffix_of
from retrieval.books.formats.folder import read_file
from retrieval.books.labels import normalize_label
from retrieval.errors import SourceError

FORMATS_BY_TRUST = ("ComicInfo", "CoMet", "ComicBookInfo", "ACBF", "EPUB package", "mokuro", "Kumiko")
"""Formats whose values win over those of other files, the most trusted first."""

_PACKAGE_SUFFIX = ".opf"
_METADATA_ONLY = {"comicinfo.xml", "comet.xml"}
"""Names of files without page annotations: a change of theirs changes no page."""

_MAX_FILES = 50
"""Number of metadata files read per book. A book with more has files of another kind."""

_VERSION = 2
"""Version of the parsing of names and files; stored, so that another version reads them again."""


@dataclass(frozen=True, slots=True)
class BookAnnotations:
    """Metadata of a book and annotations of its pages, from all its files.

    page_types, pages: by page name. reading_direction: "ltr", "rtl" or None. warnings: (file, problem) pairs.
    """

    metadata: MetadataFields = ()
    page_types: Mapping[str, str] = field(default_factory=dict)
    reading_direction: str | None = None
    pages: Mapping[str, tuple[RawAnnotation, ...]] = field(default_factory=dict)
    warnings: tuple[tuple[str, str], ...] = ()


def book_fingerprint(book: BookRef, names: Sequence[str]) -> str:
    """Return a fingerprint of all that `read_book` reads, and of the page numbers, without opening a file."""
    pages = hashlib.sha256("\n".join(f"{p.number} {p.name}" for p in book.pages).encode()).hexdigest()[:16]
    inputs = (
        _VERSION,
        tuple(names),
        book.metadata_files,
        book.sidecar_files,
        book.comment,
        book.reading_direction,
        _document_fingerprint(book),
        pages,
    )
    return hashlib.sha256(repr(inputs).encode()).hexdigest()[:32]


def page_files_fingerprint(book: BookRef) -> str:
    """Return a fingerprint of the files that may have page annotations, "" if there are none."""
    inside = tuple(item for item in book.metadata_files if not _has_only_metadata(item[0]))
    beside = tuple(item for item in book.sidecar_files if suffix_of(item[0]) != _PACKAGE_SUFFIX)
    files = (inside, beside, _document_fingerprint(book))
    return "" if files == ((), (), "") else hashlib.sha256(repr(files).encode()).hexdigest()[:16]


def read_book(book: BookRef, names: Sequence[str], limits: ReadLimits) -> BookAnnotations:
    """Read the files inside a book and next to it; unreadable ones leave a warning.

    names: the parts of the book's path without extension, the book's own name last.
    """
    warnings: list[tuple[str, str]] = []
    files = list(_parsed_files(book, limits, warnings))
    files.sort(key=_trust_rank)
    metadata = [file.parsed.metadata for file in files if file.parsed.metadata is not None]
    fields = merge_fields([*(item.fields for item in metadata), metadata_from_name(names)])
    directions = [*(item.reading_direction for item in metadata), book.reading_direction]
    direction = next((direction for direction in directions if direction), None)
    pages = _page_annotations(book, files, warnings)
    page_types = _page_types(book, files, warnings)
    return BookAnnotations(fields, page_types, direction, pages, tuple(warnings))


@dataclass(frozen=True, slots=True)
class _BookFile:
    """A parsed file of a book. label: path for reports. name: path inside the book, "" for a file next to it."""

    label: str
    name: str
    parsed: ParsedFile


def _trust_rank(file: _BookFile) -> int:
    known = file.parsed.format in FORMATS_BY_TRUST
    return FORMATS_BY_TRUST.index(file.parsed.format) if known else len(FORMATS_BY_TRUST)


def _parsed_files(book: BookRef, limits: ReadLimits, warnings: list[tuple[str, str]]) -> Iterator[_BookFile]:
    """Yield the files of a known format, and damaged ones; JSON files of unknown format may be anything."""
    for label, name, data in _read_files(book, limits, warnings):
        parsed = parse_file(data)
        if parsed.format or (parsed.warning and PurePosixPath(label).suffix.lower() != ".json"):
            if parsed.warning:
                warnings.append((label, parsed.warning))
            yield _BookFile(label, name, parsed)


def _read_files(book: BookRef, limits: ReadLimits, warnings: list[tuple[str, str]]) -> Iterator[tuple[str, str, bytes]]:
    """Yield (display path, path inside the book or "", bytes) of the files that may have metadata or annotations."""
    root = _root(book)
    if book.comment:
        yield f"{root} (comment)", "", book.comment
    if book.book_format == BookFormat.ACBF:
        try:
            yield root, "", read_file(book.path.parent, book.path.name, limits.max_bytes, limits)
        except (SourceError, OSError) as error:
            warnings.append((root, error_reason(error)))
    for name, _ in book.metadata_files[:_MAX_FILES]:
        try:
            yield f"{root}/{name}", name, read_page(book.path, name, limits)
        except SourceError as error:
            warnings.append((f"{root}/{name}", error_reason(error)))
    for name, _ in book.sidecar_files:
        try:
            yield name, "", read_file(book.path.parent, name, limits.max_bytes, limits)
        except (SourceError, OSError) as error:
            warnings.append((name, error_reason(error)))


def _has_only_metadata(name: str) -> bool:
    return _file_name(name).lower() in _METADATA_ONLY or suffix_of(name) == _PACKAGE_SUFFIX


def _document_fingerprint(book: BookRef) -> str:
    """Return the fingerprint of a book that is a single document with embedded images, else ""."""
    if book.book_format != BookFormat.ACBF:
        return ""
    stat = book.path.stat()
    return f"{stat.st_size}:{stat.st_mtime_ns}"


def _page_types(book: BookRef, files: Sequence[_BookFile], warnings: list[tuple[str, str]]) -> dict[str, str]:
    """Return the page types by page name, found by the page's number or by its name in a file of labels."""
    page_types: dict[str, str] = {}
    for file in reversed(files):  # the most trusted file comes last and overwrites the others
        if file.parsed.metadata is not None:
            by_number = file.parsed.metadata.page_types
            numbered = ((page.name, by_number[page.number]) for page in book.pages if page.number in by_number)
            page_types |= {name: normalize_label(label) for name, label in numbered}
        if file.parsed.labels is not None:
            labels = file.parsed.labels.pages
            matches = match_names(list(labels), _page_names(book))
            page_types |= {page: normalize_label(labels[name]) for page, name in matches.names.items()}
            if (problem := matches.problem()) and any(map(is_page, labels)):  # any JSON of texts may look like labels
                warnings.append((file.label, problem))
    return page_types


def _page_annotations(
    book: BookRef, files: Sequence[_BookFile], warnings: list[tuple[str, str]]
) -> dict[str, tuple[RawAnnotation, ...]]:
    """Return the annotations by page name, the most trusted first; files with pages of other books leave a warning."""
    pages: dict[str, tuple[RawAnnotation, ...]] = {}
    for label, described in _described_pages(book, files):
        matches = match_names(list(described), _page_names(book))
        for page, name in matches.names.items():
            pages[page] = (*pages.get(page, ()), described[name])
        if problem := matches.problem():
            warnings.append((label, problem))
    return pages


def _described_pages(book: BookRef, files: Sequence[_BookFile]) -> Iterator[tuple[str, Mapping[str, RawAnnotation]]]:
    """Yield (display path, annotations by page name) of each file, then of all files inside the book for one page."""
    single: dict[str, RawAnnotation] = {}
    for file in files:
        if file.parsed.pages:
            yield file.label, file.parsed.pages
        elif file.parsed.page is not None and file.name:
            single[file.name[: -len(".json")].removesuffix("_ocr")] = file.parsed.page
    if single:
        yield f"{_root(book)}/*.json", single


def _page_names(book: BookRef) -> list[str]:
    return [page.name for page in book.pages]


def _root(book: BookRef) -> str:
    return book.relative or book.path.name


def _file_name(name: str) -> str:
    return name.rpartition("/")[2]
