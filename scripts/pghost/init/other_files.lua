-- The texts of a project's non-Lua files: README.md, .luarc.json, .env.example, .gitignore.

local cjson = require "cjson"
local identifiers = require "pghost.init.identifiers"
local lfs = require "lfs"
local log = require "pghost.lib.log"
local terminal_text = require "pghost.lib.terminal"

local M = {}

M.gitignore = ".env\n"

M.env_example = [[
# Which database? Without any of this, pghost uses a private PostgreSQL of its own.
# To use another: copy to .env (install -m 600 .env.example .env) and fill in. pghost reads the .env of the folder that
# it is started in; --dsn, DATABASE_URL and libpq's own variables come first.
#DATABASE_URL=postgresql://user@host:5432/database
#POSTGRES_HOST=localhost
#POSTGRES_PORT=5432
#POSTGRES_USER=
#POSTGRES_PASSWORD=
#POSTGRES_DB=
]]

-- Above this very file: <root>/scripts/pghost/init/other_files.lua
local function root()
  return debug.getinfo(1, "S").source:match("^@(.*)/scripts/pghost/init/[^/]*$")
end

--- The folder of pghost's own sources, or of its installed library.
M.root = root

--- Settings of the Lua language server: completion and hover for r., check. and run:.
---@return string
function M.luarc()
  local library = {}
  for _, folder in ipairs { "/scripts", "/docs/meta" } do
    if lfs.attributes(root() .. folder, "mode") == "directory" then
      library[#library + 1] = root() .. folder
    end
  end
  return ('{\n  "runtime.version": "Lua 5.4",\n  "runtime.path": ["?.lua", "?/init.lua"],\n  "workspace.library": %s,\n'
    .. '  "workspace.checkThirdParty": false\n}\n'):format((cjson.encode(library):gsub("\\/", "/"):gsub(",", ", ")))
end

local function cell(text)
  return (terminal_text.harmless(text):gsub("[|`<>*]", "\\%0"))
end

local function table_rows(project)
  local rows = {}
  for i, one in ipairs(project.tables) do
    local from = cell(one.files[1].path) .. (#one.files > 1 and (" and %d more"):format(#one.files - 1) or "")
    rows[i] = ("| %s | %s | %s | %s |"):format(one.name, from, log.count(one.records),
      one.key and table.concat(one.key.columns, ", ") .. (one.key.sure and "" or "?") or "")
  end
  return table.concat(rows, "\n")
end

local readme = [[
# %s

```sh
pghost pipeline.lua          # reads the files, checks, answers, publishes the tables into the schema %s
pghost rejects               # the records that did not pass, and why
pghost test                  # the rules against single records; spec/ has them
pghost query "select * from %s"
pghost init --add FILE       # one more file
```

| file | says |
|---|---|
| `pipeline.lua` | the steps, and how each file is read |
| `config.lua` | where the data is, the schema, how many rejects are too many |
| `rules/*.lua` | the columns of a table: type, cleaning, what they must be, the key |
| `checks.lua` | what must hold over all tables |
| `sql/analytics/*.sql` | one question a file; its answer becomes a table of that name |

`pghost init` proposed all of this by looking at the files. Where it was not sure, a comment says "not sure", and why.

| table | from | records | key |
|---|---|---|---|
%s
]]

---@param project pghost.init.Project
---@return string
function M.readme(project)
  local schema = identifiers.shown(project.schema):gsub('"', '\\"')
  local answer = identifiers.shown(project.questions[1].name):gsub('"', '\\"')
  return readme:format(project.name, project.schema, schema .. "." .. answer, table_rows(project))
end

return M
