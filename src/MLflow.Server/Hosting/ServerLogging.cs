using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace MLflow.Server.Hosting;

/// <summary>
/// The server's log. The level is that of the server's own entries; the libraries below say warnings and errors only, whatever it is: at finer levels they
/// write out what clients send.
/// </summary>
internal static class ServerLogging
{
    private const string Own = "MLflow";

    public static void AddServerLogging(this ILoggingBuilder logging, MlflowServerOptions options, ServerSettings settings)
    {
        logging.SetMinimumLevel(settings.LogLevel > LogLevel.Warning ? settings.LogLevel : LogLevel.Warning).AddFilter(Own, settings.LogLevel);

        // A start that fails is told by the exception, in one sentence instead of a stack. A hosted service logs its own failures, under its own name.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);

        // The gateway says in a line what the forwarder says with a stack.
        logging.AddFilter("Yarp.ReverseProxy.Forwarder", LogLevel.None);
        logging.Services.Replace(ServiceDescriptor.Singleton<ILoggerFactory>(provider => new QuietLoggers(new LoggerFactory(
            provider.GetServices<ILoggerProvider>(), provider.GetRequiredService<IOptionsMonitor<LoggerFilterOptions>>(), provider.GetRequiredService<IOptions<LoggerFactoryOptions>>()))));
        if (settings.IsJsonLog)
        {
            logging.AddJsonConsole(json =>
            {
                json.UseUtcTimestamp = true;
                json.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
            });
        }
        else
        {
            logging.AddConsole(console => console.FormatterName = LineFormatter.FormatterName).AddConsoleFormatter<LineFormatter, ConsoleFormatterOptions>();
        }

        options.ConfigureLogging?.Invoke(logging);
    }
}
