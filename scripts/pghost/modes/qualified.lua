-- Operators of SQL with their schema. An operator that somebody defines in a schema of the search_path may fit better
-- than the server's own; written with its schema it cannot be captured.

--- Gives the comparisons of a query their schema: " = " becomes " OPERATOR(pg_catalog.=) ". For queries alone:
--- an UPDATE's assignments are written the same way.
---@param text string SQL with blanks around =, <>, <, <=, >, >= and no such sign in a literal
---@return string
return function(text)
  return (text:gsub("%f[^%s]([<>=]+)%f[%s]", "OPERATOR(pg_catalog.%1)"))
end
