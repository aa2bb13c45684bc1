-- \profile: what is in the columns of a table, a file, or of the rows of the last SQL, by `pghost profile`.

local errors = require "pghost.lib.errors"
local run_command = require "pghost.prompt.run_command"
local sql = require "pghost.lib.sql"

local M = {}

local function profile(session, words)
  if #words == 0 then
    if not session.last_sql then
      errors.raise("\\profile: a table or a file expected, or SQL that has run", "usage", { exit = 1 })
    end
    local all = sql.split(session.last_sql)
    words = { all[#all] }
  end
  run_command("profile", words)
end

---@type pghost.prompt.Command[]
M.list = {
  { name = "profile", words = "[TABLE|FILE]", run = profile, help = "what is in its columns, or the last SQL's" },
}

return M
