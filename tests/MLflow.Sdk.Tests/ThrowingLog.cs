using Microsoft.Extensions.Logging;

namespace MLflow.Tests;

/// <summary>A program's logger that fails whenever it is told something.</summary>
internal sealed class ThrowingLog : ILoggerFactory, ILogger
{
    private int _told;

    public int Told => _told;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        Interlocked.Increment(ref _told);
        throw new InvalidOperationException("on purpose");
    }

    public void Dispose()
    {
    }
}
