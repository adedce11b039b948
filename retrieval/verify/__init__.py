"""Verification of an index: `verify_index("my.index")`."""

from __future__ import annotations

from retrieval.verify.records import Problem, VerifyReport
from retrieval.verify.sample import SAMPLE
from retrieval.verify.verify import verify_index

__all__ = ["SAMPLE", "Problem", "VerifyReport", "verify_index"]
