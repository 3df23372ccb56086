//! From bits to integers (ISO/IEC 18181-1, Annex C): bit reader, prefix codes, ANS, hybrid integers, LZ77.
