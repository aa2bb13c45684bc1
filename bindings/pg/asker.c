// Asks the server to parse texts: one statement for many, split in halves when one is refused.
#include "pg/asker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/message.h"
#include "pg/state.h"

struct Asker {
  Buffer conninfo; // holds a password where the load's has one
  Buffer begin;    // opens the transaction in which is asked
  PGconn *conn;
  bool ready; // in that transaction
};

typedef struct Question {
  Asker *asker;
  const char *sql;
  const char *const *texts;
  const size_t *lens;
  Answer *answers;
  Buffer *bytes;
} Question;

static void put(Buffer *out, const char *text) {
  buffer_put(out, text, strlen(text));
}

// In single quotes: `before` stands before a quote and a backslash.
static void put_quoted(Buffer *out, const char *text, const char *escaped, char before) {
  buffer_put_u8(out, '\'');
  for (; *text; text++) {
    if (strchr(escaped, *text))
      buffer_put_u8(out, (uint8_t)before);
    buffer_put_u8(out, (uint8_t)*text);
  }
  buffer_put_u8(out, '\'');
}

static void put_conninfo(Buffer *out, PGconn *like) {
  PQconninfoOption *options = PQconninfo(like);
  for (PQconninfoOption *option = options; option && option->keyword; option++) {
    if (!option->val || !*option->val || strcmp(option->keyword, "client_encoding") == 0)
      continue;
    put(out, option->keyword);
    buffer_put_u8(out, '=');
    put_quoted(out, option->val, "'\\", '\\');
    buffer_put_u8(out, ' ');
  }
  PQconninfoFree(options);
  buffer_put_u8(out, 0);
}

// A transaction, since a pooler may give each one another session. A lock of the load's own
// transaction must not be waited for: it waits for us.
static void put_begin(Buffer *out, PGconn *like) {
  static const char *const names[] = {"DateStyle", "TimeZone", "IntervalStyle"};
  put(out,
      "begin; set local lock_timeout = '10s'; set local idle_in_transaction_session_timeout = 0");
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *value = PQparameterStatus(like, names[i]);
    if (!value)
      continue;
    put(out, "; set local ");
    put(out, names[i]);
    put(out, " = ");
    put_quoted(out, value, "'", '\'');
  }
  buffer_put_u8(out, 0);
}

Asker *asker_new(PGconn *like) {
  Asker *asker = calloc(1, sizeof *asker);
  if (!asker)
    return NULL;
  put_conninfo(&asker->conninfo, like);
  put_begin(&asker->begin, like);
  if (!asker->conninfo.failed && !asker->begin.failed)
    return asker;
  asker_free(asker);
  return NULL;
}

void asker_free(Asker *asker) {
  if (!asker)
    return;
  if (asker->conn)
    PQfinish(asker->conn);
  buffer_free(&asker->conninfo);
  buffer_free(&asker->begin);
  free(asker);
}

static bool make_ready(Asker *asker, Error *error) {
  if (!asker->conn)
    asker->conn = conn_connect(asker->conninfo.data, NULL, error);
  if (!asker->conn)
    return false;
  if (!asker->ready)
    asker->ready = conn_exec(asker->conn, asker->begin.data, error);
  return asker->ready;
}

// An array literal of the texts.
static void put_array(Buffer *out, const Question *question, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    put(out, i == from ? "{\"" : ",\"");
    for (size_t k = 0; k < question->lens[i]; k++) {
      char c = question->texts[i][k];
      if (c == '"' || c == '\\')
        buffer_put_u8(out, '\\');
      buffer_put_u8(out, (uint8_t)c);
    }
    buffer_put_u8(out, '"');
  }
  buffer_put_u8(out, '}');
  buffer_put_u8(out, 0);
}

// All results of what was sent: the rows, or NULL with the first failure.
static PGresult *rows_of(PGconn *conn, Error *error) {
  PGresult *rows = NULL;
  bool failed = false;
  for (;;) {
    PGresult *result;
    if (wait_result(conn, WAIT_FOREVER, 0, &result, error) < 0) {
      PQclear(rows);
      conn_cancel(conn);
      conn_drain(conn);
      return NULL;
    }
    if (!result)
      break;
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
      PQclear(rows);
      rows = result;
      continue;
    }
    if (!failed)
      failed = !conn_result_error(conn, result, error);
    PQclear(result);
  }
  if (rows && !failed)
    return rows;
  PQclear(rows);
  if (!failed)
    conn_result_error(conn, NULL, error);
  return NULL;
}

static PGresult *query(const Question *question, size_t from, size_t to, Error *error) {
  PGconn *conn = question->asker->conn;
  Buffer array = {0};
  PGresult *result = NULL;
  put_array(&array, question, from, to);
  const char *params[] = {array.data};
  if (array.failed)
    error_set(error, "ENOMEM", "out of memory");
  else if (!PQsendQueryParams(conn, question->sql, 1, NULL, params, NULL, NULL, 1))
    conn_result_error(conn, NULL, error);
  else
    result = rows_of(conn, error);
  buffer_free(&array);
  return result;
}

// Failures not caused by the value: the connection, the server, resources, privileges.
static bool is_fatal(const char *code) {
  static const char classes[] = "08 25 26 40 42501 53 54 55 57 58 XX";
  char wanted[3] = {code[0], code[1], 0};
  return strlen(code) != 5 || strcmp(code, "42501") == 0 ||
         (strstr(classes, wanted) && strncmp(wanted, "42", 2) != 0);
}

static void keep_rows(const Question *question, size_t from, size_t to, const PGresult *rows) {
  for (size_t i = from; i < to; i++) {
    int row = (int)(i - from);
    Answer *answer = &question->answers[i];
    *answer = (Answer){.null = PQgetisnull(rows, row, 0) == 1,
                       .start = question->bytes->len,
                       .len = (size_t)PQgetlength(rows, row, 0)};
    buffer_put(question->bytes, PQgetvalue(rows, row, 0), answer->len);
  }
}

static void keep_refusal(const Question *question, size_t i, const Error *error) {
  Answer *answer = &question->answers[i];
  size_t len = strcspn(error->message, "\n");
  *answer = (Answer){.refused = true, .start = question->bytes->len, .len = len};
  snprintf(answer->code, sizeof answer->code, "%.5s", error->code);
  buffer_put(question->bytes, error->message, len);
}

static bool ask_range(const Question *question, size_t from, size_t to, Error *error) {
  if (from == to)
    return true;
  if (!make_ready(question->asker, error))
    return false;
  PGresult *rows = query(question, from, to, error);
  bool whole = rows && (size_t)PQntuples(rows) == to - from;
  if (whole)
    keep_rows(question, from, to, rows);
  PQclear(rows);
  if (whole)
    return true;
  if (rows)
    return error_set(error, "protocol", "the server answers for other values than it was asked");
  if (is_fatal(error->code))
    return false;
  Error refusal = *error;
  question->asker->ready = false;
  if (!conn_exec(question->asker->conn, "rollback", error))
    return false; // that is why, and not the value
  if (to - from == 1) {
    keep_refusal(question, from, &refusal);
    return true;
  }
  size_t middle = from + (to - from) / 2;
  return ask_range(question, from, middle, error) && ask_range(question, middle, to, error);
}

bool asker_ask(Asker *asker, const char *expression, const char *const *texts, const size_t *lens,
               size_t count, Answer *answers, Buffer *bytes, Error *error) {
  Buffer sql = {0};
  put(&sql, "select ");
  put(&sql, expression);
  put(&sql, " from pg_catalog.unnest($1::pg_catalog.text[]) as asked (v)");
  buffer_put_u8(&sql, 0);
  Question question = {asker, sql.data, texts, lens, answers, bytes};
  bool good = sql.failed ? error_set(error, "ENOMEM", "out of memory")
                         : ask_range(&question, 0, count, error);
  buffer_free(&sql);
  return good && (!bytes->failed || error_set(error, "ENOMEM", "out of memory"));
}
