using System.Globalization;

namespace MLflow;

/// <summary>The server and experiment that new traces go to. Immutable; a change replaces the whole.</summary>
internal sealed class TrackingSettings
{
    /// <summary>Where an MLflow server listens by default.</summary>
    public const string DefaultTrackingUri = "http://localhost:5000";

    public const string DestinationVariable = "MLFLOW_TRACING_DESTINATION";
    public const string ExperimentNameVariable = "MLFLOW_EXPERIMENT_NAME";
    public const string ExperimentIdVariable = "MLFLOW_EXPERIMENT_ID";

    private TrackingSettings(TraceDestination destination) => Destination = destination;

    public TraceDestination Destination { get; }

    /// <summary>Reads the options, then the environment (names of MLflow 3: <c>MLFLOW_TRACKING_URI</c>, <c>MLFLOW_EXPERIMENT_NAME</c>, <c>MLFLOW_EXPERIMENT_ID</c>).</summary>
    public static TrackingSettings Read(MlflowClientOptions options, DatabricksWorkspaces? workspaces = null)
    {
        var uri = ParseTrackingUri(options.TrackingUri ?? Variable("MLFLOW_TRACKING_URI") ?? DefaultTrackingUri, workspaces);
        var isTold = options.Experiment is not null || options.ExperimentId is not null;
        var place = isTold ? null : Configured(DestinationVariable);
        var name = options.Experiment ?? (options.ExperimentId is null && place is null ? Configured(ExperimentNameVariable) : null);
        var id = name is null ? options.ExperimentId ?? place ?? Configured(ExperimentIdVariable) ?? "0" : null;
        return new TrackingSettings(Checked(new TraceDestination(uri, name, id)));

        string? Configured(string variable) => options.Variable?.Invoke(variable) is { Length: > 0 } value ? value : Variable(variable);
    }

    /// <returns>The destination as its server knows it.</returns>
    /// <exception cref="ArgumentException">It cannot be one.</exception>
    public static TraceDestination Checked(TraceDestination destination)
    {
        if (DatabricksUri.IsDatabricks(destination.TrackingUri))
        {
            return destination.ExperimentName is { } name ? destination with { ExperimentName = ExperimentPath.Normalize(name) } : destination;
        }

        return CatalogLocation.TryParse(destination.ExperimentId, out _)
            ? throw new ArgumentException($"The destination '{destination.ExperimentId}' is a place in Unity Catalog, which only a Databricks workspace has: set the tracking URI to 'databricks', or give the id of an experiment.", nameof(destination))
            : destination;
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

    /// <summary>The run that traces belong to; null for none.</summary>
    /// <exception cref="ArgumentException">It cannot be the id of one.</exception>
    public static string? RunId(MlflowClientOptions options) => CheckedId(options.RunId ?? Variable("MLFLOW_RUN_ID"), nameof(options.RunId));

    /// <summary>The logged model that traces belong to; null for none.</summary>
    /// <exception cref="ArgumentException">It cannot be the id of one.</exception>
    public static string? ModelId(MlflowClientOptions options) => CheckedId(options.ModelId ?? Variable("MLFLOW_ACTIVE_MODEL_ID"), nameof(options.ModelId));

    private static string? CheckedId(string? id, string setting) =>
        SettingRules.OfId(id) is { } mistake ? throw new ArgumentException($"{setting} {mistake}", setting) : id;

    /// <summary>The part of the traces that is recorded. One of the environment that is none is warned of and passed over, as MLflow does.</summary>
    /// <exception cref="ArgumentOutOfRangeException">That of the options is not from 0 to 1.</exception>
    public static double SamplingRatio(MlflowClientOptions options, SelfLog log)
    {
        if (CheckRatio(options.SamplingRatio, nameof(options)) is { } ratio)
        {
            return ratio;
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

    /// <exception cref="ArgumentOutOfRangeException">It is not from 0 to 1.</exception>
    public static double? CheckRatio(double? ratio, string name) =>
        SettingRules.OfRatio(ratio) is { } mistake ? throw new ArgumentOutOfRangeException(name, ratio, $"The sampling ratio {mistake}") : ratio;

    /// <summary>What is kept although chance left it out; null where nothing is.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    public static TailSampling? Tail(MlflowClientOptions options)
    {
        if (SettingRules.OfKeepSlowerThan(options.KeepSlowerThan) is { } mistake)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.KeepSlowerThan, $"{nameof(options.KeepSlowerThan)} {mistake}");
        }

        return options.KeepErrors || options.KeepSlowerThan is not null ? new TailSampling { KeepsErrors = options.KeepErrors, KeepsSlowerThan = options.KeepSlowerThan } : null;
    }

    /// <summary>How long a trace may run; null where it may for ever. One of the environment that is none is warned of and passed over.</summary>
    /// <exception cref="ArgumentOutOfRangeException">That of the options is not positive.</exception>
    public static TimeSpan? TraceTimeout(MlflowClientOptions options, SelfLog log)
    {
        if (options.TraceTimeout is { } timeout)
        {
            return SettingRules.OfTraceTimeout(timeout) is { } mistake
                ? throw new ArgumentOutOfRangeException(nameof(options), timeout, $"{nameof(options.TraceTimeout)} {mistake}")
                : timeout;
        }

        if (Variable("MLFLOW_TRACE_TIMEOUT_SECONDS") is not { } text)
        {
            return null;
        }

        // A year is more than any trace runs, and less than a TimeSpan takes.
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 31_536_000)
        {
            return TimeSpan.FromSeconds(seconds);
        }

        log.Warn("timeout", $"MLFLOW_TRACE_TIMEOUT_SECONDS is '{text}', not a number of seconds from more than 0 to a year: traces may run as long as they like.");
        return null;
    }

    /// <exception cref="ArgumentException">What is set as the destination is a place in Unity Catalog, and the address that of another server.</exception>
    public TrackingSettings WithTrackingUri(Uri uri)
    {
        var destination = Destination with { TrackingUri = uri };

        // A name that no workspace takes may be set by the environment for another server, and replaced by the program's next line: if not, the export says so.
        return new TrackingSettings(destination.ExperimentName is null ? Checked(destination) : destination);
    }

    /// <param name="destination">Id of an experiment, or a place in Unity Catalog.</param>
    public TrackingSettings WithDestination(string destination)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(destination);
        return new TrackingSettings(Checked(Destination with { ExperimentName = null, ExperimentId = destination }));
    }

    public TrackingSettings WithExperiment(string name)
    {
        if (string.IsNullOrWhiteSpace(name))
        {
            throw new ArgumentException("An experiment's name cannot be empty.", nameof(name));
        }

        return new TrackingSettings(Checked(Destination with { ExperimentName = name, ExperimentId = null }));
    }

    /// <param name="value">What the program says.</param>
    /// <param name="workspaces">Keeps the Databricks workspace that it names. Null: it is only looked for.</param>
    /// <exception cref="ArgumentException">It is not one that is supported.</exception>
    public static Uri ParseTrackingUri(string value, DatabricksWorkspaces? workspaces = null)
    {
        if (DatabricksUri.IsDatabricks(value))
        {
            return workspaces is null ? DatabricksWorkspaces.Check(value) : workspaces.Add(value);
        }

        return EmbeddedStore.IsDatabase(value) ? EmbeddedStore.Start(value) : ParseAddress(value);
    }

    /// <summary>Looks at its form alone: nothing is started.</summary>
    /// <exception cref="ArgumentException">It is not one that is supported.</exception>
    public static void CheckTrackingUri(string value, DatabricksOptions? databricks = null)
    {
        if (DatabricksUri.IsDatabricks(value))
        {
            DatabricksWorkspaces.Check(value, databricks);
        }
        else if (EmbeddedStore.IsDatabase(value))
        {
            EmbeddedStore.Check(value);
        }
        else
        {
            ParseAddress(value);
        }
    }

    /// <summary>An address as it may be shown and written: without credentials and without a slash at the end.</summary>
    public static string TextOf(Uri address) => address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');

    private static Uri ParseAddress(string value)
    {
        if (Uri.TryCreate(value.TrimEnd('/'), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
        {
            return uri;
        }

        throw new ArgumentException(
            $"The tracking URI '{WithoutCredentials(value)}' is not supported: give the address of an MLflow server, for example http://localhost:5000, or 'databricks' for a Databricks workspace, or, with the package MLflow, a database, for example sqlite:///mlflow.db.",
            nameof(value));
    }

    /// <summary>Of a text that is no address, in which a name and a password may stand all the same: what is before an @ is not shown.</summary>
    private static string WithoutCredentials(string value)
    {
        if (value.LastIndexOf('@') is var at && at < 0)
        {
            return value;
        }

        var scheme = value.IndexOf("://", StringComparison.Ordinal);
        return $"{(scheme >= 0 && scheme < at ? value[..(scheme + 3)] : "")}...{value[at..]}";
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
