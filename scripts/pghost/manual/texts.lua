-- What help and the man pages say beyond commands and options: each of these texts exists only here.

local M = {}

M.purpose = "turns CSV files into PostgreSQL tables that people trust"

M.usages = {
  { "SCRIPT [ARG...]", "Run a script, such as a pipeline." },
  { "COMMAND [ARG...]", "Run a command: pghost load --help." },
  { "", "The prompt; without a terminal, standard input." },
}

M.description = {
  "pghost reads CSV files, cleans and checks every field by rules, and sends what passes to PostgreSQL. A script, "
    .. "such as the pipeline.lua of a project, is Lua with the library of pghost; pghost init writes one for a folder "
    .. "of CSV files.",
  "A first argument that ends in .lua, or names a file and not a command, is a script; ./load is a script, load is the "
    .. "command. A script may begin with #!/usr/bin/env pghost and be executable.",
  "Results go to standard output; log, progress and errors to standard error.",
}

M.exit_codes = {
  { "0", "Done." },
  { "1", "An error in a script or in the data; nothing is published." },
  { "2", "Wrong usage." },
  { "3", "The database cannot be reached, was lost, or is read-only." },
  { "4", "A check of severity error failed, or an error budget was exceeded; nothing is published." },
  { "130", "Interrupted by SIGINT (143: SIGTERM); nothing is published." },
}

M.environment = {
  { "DATABASE_URL", "The database: a conninfo string or URL." },
  { "PGHOST, PGPORT, PGDATABASE, PGUSER, PGSERVICE, ...", "The same, for libpq; asked after DATABASE_URL." },
  { "PGHOST_SERVER_DIR", "Folder of the private server." },
  { "PGHOST_SERVER_BIN", "Folder of initdb and postgres for the private server." },
  { "PGHOST_TRACEBACK", "1: errors of the library show the lines of Lua that led to them." },
  { "NO_COLOR", "Set to anything: no colors and no moving lines." },
  { "PAGER", "What pghost docs shows its pages with on a terminal (default: less -R)." },
  { "TMPDIR", "Folder for temporary files (default: /tmp)." },
  { "XDG_DATA_HOME, XDG_STATE_HOME", "Where the private server and the history of the prompt are." },
}

M.files = {
  { ".env", "In the current folder: the database, if neither options nor environment name one." },
  { "~/.pgpass", "Passwords, as for psql." },
  { "pipeline.lua", "Its folder is a project; inside it, pghost pipeline.lua finds it from any subfolder." },
}

M.examples = {
  { "pghost init ~/csv --into ~/sales && pghost ~/sales/pipeline.lua",
    "A project for a folder of CSV files; its first run." },
  { "pghost load orders.csv --auto --create --into orders", "One file into a table." },
  { "pghost query \"SELECT count(*) FROM orders\"", "A question." },
}

return M
