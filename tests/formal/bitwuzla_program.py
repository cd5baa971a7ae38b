"""Bitwuzla as a program that reads SMT-LIB from standard input: the package brings only the library.

    python -m tests.formal.bitwuzla_program

Answers each command as soon as it is complete, as `yosys-smtbmc` wants.
"""

import sys

import bitwuzla

__all__ = ["commands", "main"]


def commands(lines):
    """Cut lines of SMT-LIB into top-level commands.

    Parameters
    ----------
    lines : iterable of str

    Yields
    ------
    str
        One or more complete commands.
    """
    pending, depth, quoted = [], 0, False
    for line in lines:
        pending.append(line)
        for character in line:
            if quoted:
                quoted = character != "|"
            elif character == "|":
                quoted = True
            elif character == ";":
                break
            elif character in "()":
                depth += 1 if character == "(" else -1
        if depth == 0:
            yield "".join(pending)
            pending = []


def main():
    options = bitwuzla.Options()
    options.set(bitwuzla.Option.PRODUCE_MODELS, True)
    parser = bitwuzla.Parser(bitwuzla.TermManager(), options, "smt2", 2)
    for text in commands(sys.stdin):
        if text.lstrip().startswith("(exit"):
            break
        try:
            parser.parse(text, parse_only=False, parse_file=False)
        except bitwuzla.BitwuzlaException as error:
            print(f'(error "{error}")', flush=True)
            return 1
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
