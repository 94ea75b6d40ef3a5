using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;

namespace MLflow.Cli.Tracking;

/// <summary>The option that says which server a command is about.</summary>
internal sealed class TrackingOptionSet
{
    public const string Variable = "MLFLOW_TRACKING_URI";

    private readonly Option<string?> _trackingUri = new("--tracking-uri")
    {
        Description = $"The tracking server: http://host:5000, databricks or databricks://profile. Without it: {Variable}, else {TrackingSettings.DefaultTrackingUri}.",
        HelpName = "URI",
    };

    public void AddTo(Command command) => command.Add(_trackingUri);

    /// <summary>What was said of the server, and where.</summary>
    public (string Uri, string Source) Read(ParseResult parsed)
    {
        if (parsed.GetValue(_trackingUri) is { } given)
        {
            return (given, "--tracking-uri");
        }

        return Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } variable ? (variable, Variable) : (TrackingSettings.DefaultTrackingUri, "the default");
    }

    /// <summary>A client for the server. Nothing is sent yet.</summary>
    /// <exception cref="ArgumentException">The address, or something else in the environment, is wrong.</exception>
    public MlflowClient Connect(ParseResult parsed) => new(new MlflowClientOptions
    {
        TrackingUri = Read(parsed).Uri,

        // A command makes no traces, and what programs left is not its to send.
        SpoolDirectory = "none",
        LoggerFactory = NullLoggerFactory.Instance,
    });
}
