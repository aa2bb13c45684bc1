// What the server says when a statement fails, as one of our messages. Not for failures to
// connect: libpq has no fields for those (connect.c).
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pg/message.h"
#include "pg/state.h"

// Kept for the row of a COPY: its title, the names of a table and a column, and a number.
#define FRAME_ROOM 200
// Line ends of a context take up to this many bytes more than in the server's text.
#define CONTEXT_MARGIN 80

// Removes a UTF-8 sequence that was truncated at the message's size limit.
static void trim_utf8(char *text) {
  size_t len = strlen(text);
  size_t start = len;
  while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
    start--;
  if (start == 0)
    return;
  unsigned char lead = (unsigned char)text[start - 1];
  size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (want > len - (start - 1))
    text[start - 1] = 0;
}

// Appends `text` on one line: line ends become `newline`. The message stays shorter than `size`.
static void append(Error *error, const char *title, const char *text, const char *newline,
                   size_t size) {
  size_t used = strlen(error->message);
  if (used + strlen(title) >= size)
    return;
  int put = snprintf(error->message + used, size - used, "%s", title);
  used += put > 0 ? (size_t)put : 0;
  for (; *text && used + strlen(newline) + 1 < size; text++) {
    if (*text == '\n')
      used += (size_t)snprintf(error->message + used, size - used, "%s", newline);
    else
      error->message[used++] = *text;
  }
  if (used < size)
    error->message[used] = 0;
  if (*text)
    trim_utf8(error->message);
}

static void append_field(Error *error, const PGresult *result, int field, const char *title,
                         size_t size) {
  const char *text = PQresultErrorField(result, field);
  if (text && *text)
    append(error, title, text, "\n    ", size);
}

// What COPY adds to the context, last and on a line of its own: the row that is to blame.
static const char *copy_frame(const char *context) {
  const char *at = context;
  while (at && strncmp(at, "COPY ", 5) != 0) {
    at = strchr(at, '\n');
    at = at ? at + 1 : NULL;
  }
  return at;
}

// The context is what is left out when all is too long, but not the row of a COPY.
static void append_context(Error *error, const char *context) {
  const char *frame = copy_frame(context);
  size_t left = sizeof error->message - strlen(error->message);
  bool fits = strlen(context) + CONTEXT_MARGIN < left;
  append(error, "\n  context: ", frame && !fits ? frame : context, "\n    ", sizeof error->message);
}

// "Division by zero" -> "division by zero", but "SSL error" stays.
static void lower_first(char *text) {
  if (isupper((unsigned char)text[0]) && !isupper((unsigned char)text[1]))
    text[0] = (char)tolower((unsigned char)text[0]);
}

// When out of memory, libpq has no message, or one that says so.
static bool is_speechless(const char *text) {
  return text[strspn(text, " \n")] == 0 || strncmp(text, "no error message available", 26) == 0;
}

// From the connection alone: why we gave it up, or libpq's own words, of which the first line is
// the matter.
static bool connection_error(PGconn *conn, Error *error) {
  bool lost = state_is_lost(conn);
  const State *state = state_of(conn);
  if (lost && state && state->lost[0])
    return error_set(error, "08006", "%s", state->lost);
  error_set(error, lost ? "08006" : "protocol", "%s", "");
  const char *text = PQerrorMessage(conn);
  if (is_speechless(text))
    text = lost ? "the connection to the server is lost, or out of memory" : "out of memory";
  append(error, "", text, " ", sizeof error->message);
  size_t len = strcspn(error->message, "\t");
  while (len > 0 && isspace((unsigned char)error->message[len - 1]))
    len--;
  error->message[len] = 0;
  lower_first(error->message);
  return false;
}

// A pooler that has lost the server closes our connection and reports a protocol violation.
static const char *code_of(const PGresult *result) {
  const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY);
  bool gone = code && strcmp(code, "08P01") == 0 && severity && strcmp(severity, "FATAL") == 0;
  return gone ? "08006" : code;
}

bool conn_result_error(PGconn *conn, const PGresult *result, Error *error) {
  if (!error)
    return false;
  const char *code = code_of(result);
  const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (!code || !primary)
    return connection_error(conn, error);
  const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
  bool of_copy = context && copy_frame(context);
  size_t size = sizeof error->message - (of_copy ? FRAME_ROOM : 0);
  error_set(error, code, "%s", "");
  append(error, "", primary, " ", size);
  lower_first(error->message);
  append_field(error, result, PG_DIAG_STATEMENT_POSITION, "\n  position: ", size);
  append_field(error, result, PG_DIAG_MESSAGE_DETAIL, "\n  detail: ", size);
  append_field(error, result, PG_DIAG_MESSAGE_HINT, "\n  hint: ", size);
  if (context && *context)
    append_context(error, context);
  return false;
}
