//! Tests for which other programs are needed: the core itself reads no world.

#[cfg(test)]
mod spellings;
