-- Names of SQL at the cursor: keywords, tables after FROM and similar words, columns of the tables that the statement
-- names.

local database = require "pghost.prompt.live_connection"
local relations = require "pghost.catalog.relations"
local sql_tokens = require "pghost.lib.sql_tokens"
local words = require "pghost.prompt.sql_words"

local M = {}

-- A connection that can be queried without waiting for it or breaking its transaction.
local function free_connection()
  local state = database.state()
  return (state == "idle" or state == "transaction") and database.current() or nil
end

local function quoted(name)
  return name:find("^[%l_][%l%d_$]*$") and not words.reserved[name] and name or relations.quote(name)
end

local tables <const> = [[
  SELECT n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name,
    pg_catalog.pg_table_is_visible(c.oid) AS visible
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,v,m,f,p,S}'::pg_catalog."char"[])
    AND ($1::pg_catalog.bool OR n.nspname::pg_catalog.text OPERATOR(pg_catalog.!~) '^(pg_|information_schema$)')
  ORDER BY c.oid LIMIT 5000]]

--- Names of relations as SQL has them: plain where they are visible, else with their schema, and the schemas.
---@param typed string
---@return string[]
function M.tables(typed)
  local conn, names = free_connection(), {}
  local rows = conn and conn:query(tables, typed:find("^pg_") ~= nil or typed:find("^inf") ~= nil) or {}
  for i = 1, #rows do
    local row = rows[i]
    names[#names + 1] = row.visible and quoted(row.name) or nil
    names[#names + 1] = quoted(row.schema) .. "."
    names[#names + 1] = typed:find(".", 1, true) and quoted(row.schema) .. "." .. quoted(row.name) or nil
  end
  return names
end

local columns <const> = [[
  SELECT a.attname::pg_catalog.text AS name FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid
    AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped]]

local function add_columns(names, table_name)
  local conn = free_connection()
  local good, rows = pcall(function()
    return conn and conn:query(columns, table_name) or {}
  end)
  for i = 1, good and #rows or 0 do
    names[#names + 1] = quoted(rows[i].name)
  end
end

-- The tables that a statement names, each { name, alias }: after FROM, JOIN, UPDATE, INTO, and commas there.
local function tables_of(text)
  local list, previous, name, wanted = {}, nil, nil, false
  pcall(sql_tokens.scan, text .. " ", nil, function(kind, piece)
    local word = kind == "word" and piece:lower() or nil
    if kind == "space" or kind == "comment" then
      return
    elseif word and (words.before_table[word] or word == "lateral") then
      wanted, name = true, nil
    elseif kind == "." and name then
      name = name .. "."
    elseif (word or piece:find('^"')) and name and name:find("%.$") then
      name = name .. piece
      list[#list].name = name
    elseif word and (words.keywords[word] or words.first[word]) or kind == "(" or kind == ")" or kind == "end" then
      wanted, name = false, nil
    elseif word or piece:find('^"') then
      if wanted then
        list[#list + 1], name, wanted = { name = piece }, piece, false
      elseif name and previous ~= "," then
        list[#list].alias, name = piece, name
      end
    elseif kind == "," then
      wanted = name ~= nil
    end
    previous = kind == "word" and word or kind
  end)
  return list
end

-- The statement that the cursor is in: `text` up to it, `after` from it on.
local function statement_of(text, after)
  local ends, from, at = sql_tokens.statement_end(), 1, 1
  pcall(sql_tokens.scan, text, nil, function(kind, piece, place)
    at = place
    if ends(kind, piece) then
      from, ends = at + 1, sql_tokens.statement_end()
    end
  end)
  return text:sub(from), after:match("^[^;]*")
end

local function all_words(typed)
  local upper, names = typed:find("%u") and not typed:find("%l"), {}
  for word in pairs(words.keywords) do
    names[#names + 1] = upper and word:upper() or word
  end
  for _, word in ipairs { "select", "set", "values", "with" } do
    names[#names + 1] = upper and word:upper() or word
  end
  return names
end

--- Words that a statement begins with, in the case of what is typed.
---@param typed string
---@return string[]
function M.first(typed)
  local upper, names = typed:find("%u") and not typed:find("%l"), {}
  for word in pairs(#typed > 1 and words.first or {}) do
    names[#names + 1] = upper and word:upper() or word
  end
  return names
end

local function columns_of(list, qualifier)
  local names = {}
  for _, one in ipairs(list) do
    local short = one.name:match("[^.]*$")
    if not qualifier or qualifier == one.alias or qualifier == short or qualifier == one.name then
      add_columns(names, one.name)
    end
  end
  return names
end

--- What fits at the end of a text.
---@param text string
---@param after string the text after the cursor
---@return pghost.prompt.Candidates?
function M.find(text, after)
  local statement, rest = statement_of(text, after)
  local before, typed = statement:match('^(.-)([%w_."$\x80-\xff]*)$')
  local previous = (before:match("([%a_]+)[%s(]*$") or ""):lower()
  local in_list = before:match("%f[%a][Ff][Rr][Oo][Mm]%s+([^();]*),%s*$")
  if words.before_table[previous] or in_list and not in_list:lower():find("%f[%a]where%f[%A]") then
    return { typed = typed, names = M.tables(typed), any_case = true, closing = " " }
  end
  local named = tables_of(before .. " " .. rest)
  local qualifier, column = typed:match('^(.*)%.([^.]*)$')
  if qualifier then
    return { typed = column, names = columns_of(named, qualifier), any_case = true }
  elseif not before:find("%S") then
    return { typed = typed, names = M.first(typed), any_case = true, closing = " " }
  end
  local names = columns_of(named)
  for _, one in ipairs(named) do
    names[#names + 1] = one.alias
  end
  local keywords = #typed > 0 and all_words(typed) or {}
  return { typed = typed, names = table.move(keywords, 1, #keywords, #names + 1, names), any_case = true,
    closing = " " }
end

return M
