-- PostgreSQL of other major versions than the installed one, from spec/postgres (npm, by its lock
-- file). Missing, they are installed there; where that fails, CI fails and others skip.

local pghost = require "support.pghost"

local M = { majors = { 16, 17, 18 } }

local folder = pghost.root .. "/spec/postgres"

local function ready(major)
  local file <close> = io.open(("%s/node_modules/postgresql-%d/ready"):format(folder, major), "r")
  return file ~= nil
end

local tried

local function install()
  if not tried then
    local _, err, code = pghost.shell(("cd %s && npm ci 1>&2 && for d in node_modules/postgresql-*; do "
      .. "(cd $d && node scripts/hydrate-symlinks.js && touch ready) 1>&2 || exit 1; done"):format(folder))
    tried = { ok = code == 0, problem = err }
  end
  return tried
end

--- The folder with the programs of a version; nil and why not when it cannot be had. Raises in CI.
---@param major integer
---@return string? bin
---@return string? problem
function M.bin(major)
  if not ready(major) and not install().ok then
    local problem = ("no PostgreSQL %d: npm ci in spec/postgres failed: %s"):format(major, tried.problem:sub(1, 300))
    if (os.getenv("CI") or "") ~= "" then
      error(problem, 0)
    end
    return nil, problem
  end
  return ("%s/node_modules/postgresql-%d/native/bin"):format(folder, major)
end

return M
