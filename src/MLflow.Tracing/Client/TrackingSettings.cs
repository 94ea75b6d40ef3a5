using System.Globalization;

namespace MLflow;

/// <summary>The server and experiment that new traces go to. Immutable; a change replaces the whole.</summary>
internal sealed class TrackingSettings
{
    /// <summary>Where an MLflow server listens by default.</summary>
    public const string DefaultTrackingUri = "http://localhost:5000";

    private TrackingSettings(TraceDestination destination) => Destination = destination;

    public TraceDestination Destination { get; }

    /// <summary>Reads the options, then the environment (names of MLflow 3: <c>MLFLOW_TRACKING_URI</c>, <c>MLFLOW_EXPERIMENT_NAME</c>, <c>MLFLOW_EXPERIMENT_ID</c>).</summary>
    public static TrackingSettings Read(MlflowClientOptions options)
    {
        var uri = ParseTrackingUri(options.TrackingUri ?? Variable("MLFLOW_TRACKING_URI") ?? DefaultTrackingUri);
        var name = options.Experiment ?? (options.ExperimentId is null ? Variable("MLFLOW_EXPERIMENT_NAME") : null);
        var id = name is null ? options.ExperimentId ?? Variable("MLFLOW_EXPERIMENT_ID") ?? "0" : null;
        return new TrackingSettings(new TraceDestination(uri, name, id));
    }

    /// <summary>The folder of the spool; null where there is to be none.</summary>
    /// <exception cref="ArgumentException">It is no path.</exception>
    public static string? SpoolFolder(MlflowClientOptions options)
    {
        var folder = options.SpoolDirectory ?? Variable("MLFLOW_SPOOL_DIRECTORY");
        if (folder is null)
        {
            // Empty where the user has no home, as some services have none.
            var data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
            return data.Length == 0 ? null : Path.Combine(data, "mlflow", "spool");
        }

        if (folder == "none")
        {
            return null;
        }

        try
        {
            return Path.GetFullPath(folder);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or PathTooLongException)
        {
            throw new ArgumentException($"The spool directory '{folder}' is not a path: {e.Message} Give a folder, or 'none'.", nameof(options), e);
        }
    }

    /// <summary>The part of the traces that is recorded. One of the environment that is none is warned of and passed over, as MLflow does.</summary>
    /// <exception cref="ArgumentOutOfRangeException">That of the options is not from 0 to 1.</exception>
    public static double SamplingRatio(MlflowClientOptions options, SelfLog log)
    {
        if (options.SamplingRatio is { } ratio)
        {
            return ratio is >= 0 and <= 1
                ? ratio
                : throw new ArgumentOutOfRangeException(nameof(options), ratio, $"The sampling ratio is {ratio}: it must be from 0 (no trace) to 1 (every trace).");
        }

        if (Variable("MLFLOW_TRACE_SAMPLING_RATIO") is not { } text)
        {
            return 1;
        }

        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is >= 0 and <= 1)
        {
            return value;
        }

        log.Warn("sampling", $"MLFLOW_TRACE_SAMPLING_RATIO is '{text}', not a number from 0 to 1: every trace is recorded.");
        return 1;
    }

    public TrackingSettings WithTrackingUri(string uri) => new(Destination with { TrackingUri = ParseTrackingUri(uri) });

    public TrackingSettings WithExperiment(string name)
    {
        if (string.IsNullOrWhiteSpace(name))
        {
            throw new ArgumentException("An experiment's name cannot be empty.", nameof(name));
        }

        return new TrackingSettings(Destination with { ExperimentName = name, ExperimentId = null });
    }

    /// <exception cref="ArgumentException">It is not one that is supported.</exception>
    public static Uri ParseTrackingUri(string value)
    {
        if (value.StartsWith(EmbeddedStore.Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return new Uri(EmbeddedStore.Start(value).ToString().TrimEnd('/'));
        }

        if (Uri.TryCreate(value.TrimEnd('/'), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
        {
            return uri;
        }

        throw new ArgumentException(
            $"The tracking URI '{value}' is not supported: give the address of an MLflow server, for example http://localhost:5000, or, with the package MLflow, a database, for example sqlite:///mlflow.db.",
            nameof(value));
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
