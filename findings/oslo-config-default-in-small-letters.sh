#!/usr/bin/env bash
# oslo.config compares section names without regard to capitals, except for DEFAULT.
#
# Expected: sections are compared in one way, so that `[default]` is `[DEFAULT]` as `[DATABASE]` is `[database]`; or a
# section that nothing declares is reported.
#
# oslo.config 10.7.0 (PyPI): options in `[DATABASE]` are found in the group `database`, and options in `[default]` are
# ignored without a word: each keeps its default. The cause is `_normalize_group_name` in oslo_config/cfg.py, which
# returns `DEFAULT` as it is and every other name in small letters, so that `default` is a group of its own.
#
# Output seen:
#   [DATABASE] -> connection = sqlite://  (from the file)
#   [DEFAULT]  -> port = 1                (from the file)
#   [default]  -> port = 8866             (the default, although the file sets 1)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check oslo.config==10.7.0

printf '[DATABASE]\nconnection = sqlite://\n' >"$folder/database.conf"
printf '[DEFAULT]\nport = 1\n' >"$folder/capitals.conf"
printf '[default]\nport = 1\n' >"$folder/small.conf"

"$folder/python/bin/python" - "$folder" <<'PYTHON'
import sys

from oslo_config import cfg


def read(name):
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt("connection")], "database")
    conf.register_opts([cfg.PortOpt("port", default=8866)])
    conf([f"--config-file={sys.argv[1]}/{name}.conf"], project="finding")
    return conf


connection, capitals, small = read("database").database.connection, read("capitals").port, read("small").port
print(f"[DATABASE] -> connection = {connection}")
print(f"[DEFAULT]  -> port = {capitals}")
print(f"[default]  -> port = {small}")
sys.exit((connection, capitals, small) != ("sqlite://", 1, 8866))
PYTHON
