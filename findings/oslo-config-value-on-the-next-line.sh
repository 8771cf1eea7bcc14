#!/usr/bin/env bash
# oslo.config keeps the line end before a value that begins on the next line.
#
# Expected: a value that is continued is the text of its lines; where the first line is empty, it is the second. ListOpt
# and IntOpt read it so, since they strip it. The same for a quotation mark that has no partner: it is a part of the value,
# or an error.
#
# oslo.config 10.7.0 (PyPI): a StrOpt that is written as
#     socket =
#       /run/x/sock
# is "\n/run/x/sock", a relative path with a line end in it. A value that is one quotation mark is the empty text: the
# parser takes the same character for the first and the last mark (oslo_config/iniparser.py, `_split_key_value`), while a
# mark with other text after it stays.
#
# Output seen:
#   next line: '\n/run/x/sock'
#   one mark: ''
#   a mark and a letter: '"a'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check oslo.config==10.7.0

printf '[DEFAULT]\nsocket =\n  /run/x/sock\nmark = "\nletter = "a\n' >"$folder/a.conf"

"$folder/python/bin/python" - "$folder/a.conf" <<'PYTHON'
import sys

from oslo_config import cfg

conf = cfg.ConfigOpts()
conf.register_opts([cfg.StrOpt("socket"), cfg.StrOpt("mark"), cfg.StrOpt("letter")])
conf([f"--config-file={sys.argv[1]}"], project="finding")
print(f"next line: {conf.socket!r}")
print(f"one mark: {conf.mark!r}")
print(f"a mark and a letter: {conf.letter!r}")
sys.exit((conf.socket, conf.mark, conf.letter) != ("\n/run/x/sock", "", '"a'))
PYTHON
