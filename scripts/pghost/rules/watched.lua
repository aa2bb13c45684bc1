-- Observers of what rules did to single records: the coverage of `pghost test`.

local M = {}

local watcher

--- Calls fn(rules, record, detail) after each record that rules are tried on, until the next call; nil: nobody.
---@param fn? fun(rules: pghost.Rules, record?: table, detail: table)
function M.set(fn)
  watcher = fn
end

--- A record was tried.
---@param rules pghost.Rules
---@param record? table nil: it did not pass
---@param detail table
function M.tell(rules, record, detail)
  if watcher then
    watcher(rules, record, detail)
  end
end

return M
