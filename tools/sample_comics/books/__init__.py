"""The five stories, one module each."""

from tools.sample_comics.books import bear, bus, lamp, semitone, tea
from tools.sample_comics.story import Book

BOOKS: tuple[Book, ...] = (lamp.BOOK, semitone.BOOK, tea.BOOK, bus.BOOK, bear.BOOK)
