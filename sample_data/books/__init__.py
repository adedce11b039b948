"""The five stories, one module each."""

from sample_data.books import bear, bus, lamp, semitone, tea
from sample_data.story import Book

BOOKS: tuple[Book, ...] = (lamp.BOOK, semitone.BOOK, tea.BOOK, bus.BOOK, bear.BOOK)
