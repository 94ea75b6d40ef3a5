using MLflow.Server.Gateway;

namespace MLflow.Server.Hosting;

/// <summary>
/// All loggers as they are, but that of Kestrel: an answer that breaks off on purpose is no unhandled exception, although an exception is the only way to send what
/// has come of it and not its end (<see cref="AnswerBrokenException"/>). The gateway has told it.
/// </summary>
internal sealed class QuietLoggers : ILoggerFactory
{
    private const string Kestrel = "Microsoft.AspNetCore.Server.Kestrel";

    private readonly LoggerFactory _inner;

    public QuietLoggers(LoggerFactory inner) => _inner = inner;

    public ILogger CreateLogger(string categoryName)
    {
        var logger = _inner.CreateLogger(categoryName);
        return categoryName == Kestrel ? new KestrelLogger(logger) : logger;
    }

    public void AddProvider(ILoggerProvider provider) => _inner.AddProvider(provider);

    public void Dispose() => _inner.Dispose();

    private sealed class KestrelLogger(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (exception is not AnswerBrokenException)
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
