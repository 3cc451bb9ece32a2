"""The parts of scripts/docs: each module returns the text of a generated file."""
