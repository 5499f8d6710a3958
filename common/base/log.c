/* log.c - the contract is in log.h. */
#include "common/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/clock.h"

static struct {
	const char *daemon;
	unsigned worker;
	enum log_level level;
	int fd;			/* a datagram socket, or -1 */
	log_sink sink;		/* NULL: fd, or stderr */
	void *arg;
	uint64_t dropped;	/* lines that found the socket full */
} state = { .daemon = "yubin", .level = LOG_LEVEL_INFO, .fd = -1 };

void log_open(const char *daemon, unsigned worker)
{
	state.daemon = daemon;
	state.worker = worker;
}

void log_to_socket(int fd)
{
	state.fd = fd;
	state.sink = NULL;
}

void log_to_function(log_sink sink, void *arg)
{
	state.sink = sink;
	state.arg = arg;
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

static size_t line_start(char *line, const char *level)
{
	char when[CLOCK_TEXT], worker[16] = "";

	clock_log_text(when, clock_real_ms());
	if (state.worker > 0)
		snprintf(worker, sizeof(worker), "[%u]", state.worker);
	return (size_t)snprintf(line, LOG_LINE_MAX, "%s %s %s%s ", when, level, state.daemon, worker);
}

static void emit(const char *line)
{
	if (state.sink != NULL)
		state.sink(state.arg, line);
	else if (state.fd < 0)
		dprintf(STDERR_FILENO, "%s\n", line);
	else if (send(state.fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		state.dropped++;
}

static void tell_dropped(void)
{
	char line[LOG_LINE_MAX];
	uint64_t n = state.dropped;
	size_t used;

	if (n == 0)
		return;
	used = line_start(line, "warn");
	snprintf(line + used, sizeof(line) - used, "log lines dropped count=%llu", (unsigned long long)n);
	state.dropped = 0;
	emit(line);
	if (state.dropped > 0)
		state.dropped = n;
}

static void log_line(enum log_level level, const char *format, va_list args)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	char line[LOG_LINE_MAX];
	size_t used;

	if (level > state.level)
		return;
	tell_dropped();
	used = line_start(line, names[level]);
	vsnprintf(line + used, sizeof(line) - used, format, args);
	for (char *c = line; *c != '\0'; c++)
		if (ascii_control((uint8_t)*c))
			*c = '?';
	emit(line);
}

#define LOG_FUNCTION(name, level)                       \
	void log_##name(const char *format, ...)        \
	{                                               \
		va_list args;                           \
							\
		va_start(args, format);                 \
		log_line(level, format, args);          \
		va_end(args);                           \
	}

LOG_FUNCTION(error, LOG_LEVEL_ERROR)
LOG_FUNCTION(warn, LOG_LEVEL_WARN)
LOG_FUNCTION(info, LOG_LEVEL_INFO)
LOG_FUNCTION(debug, LOG_LEVEL_DEBUG)
