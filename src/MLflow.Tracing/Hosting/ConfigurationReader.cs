using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MLflow;

/// <summary>Reads settings from the host's configuration. By hand: binding by reflection says of one wrong value only that it is wrong, and needs reflection.</summary>
internal sealed class ConfigurationReader(IServiceProvider services) : IConfigureOptions<MlflowTracingOptions>
{
    public const string Section = "MLflow";

    private const string TimeRule = "a number of seconds or a time as 00:01:30";

    private const string Databricks = nameof(MlflowTracingOptions.Databricks);

    private const string Capture = nameof(PrivacyOptions.Capture);

    private static readonly string[] Known =
    [
        nameof(MlflowTracingOptions.TrackingUri),
        nameof(MlflowTracingOptions.TrackingUsername),
        nameof(MlflowTracingOptions.TrackingPassword),
        nameof(MlflowTracingOptions.TrackingToken),
        nameof(MlflowTracingOptions.Experiment),
        nameof(MlflowTracingOptions.ExperimentId),
        nameof(MlflowTracingOptions.RunId),
        nameof(MlflowTracingOptions.ModelId),
        nameof(MlflowTracingOptions.SpoolDirectory),
        nameof(MlflowTracingOptions.SpoolMaxBytes),
        nameof(MlflowTracingOptions.SamplingRatio),
        nameof(MlflowTracingOptions.KeepErrors),
        nameof(MlflowTracingOptions.KeepSlowerThan),
        nameof(MlflowTracingOptions.TraceTimeout),
        nameof(MlflowTracingOptions.Autolog),
        Capture,
        Databricks,
    ];

    /// <summary>What may be said of a Databricks workspace, as text.</summary>
    private static readonly (string Name, Action<DatabricksOptions, string> Set)[] OfDatabricks =
    [
        (nameof(DatabricksOptions.Host), (o, value) => o.Host = value),
        (nameof(DatabricksOptions.Token), (o, value) => o.Token = value),
        (nameof(DatabricksOptions.Username), (o, value) => o.Username = value),
        (nameof(DatabricksOptions.Password), (o, value) => o.Password = value),
        (nameof(DatabricksOptions.ClientId), (o, value) => o.ClientId = value),
        (nameof(DatabricksOptions.ClientSecret), (o, value) => o.ClientSecret = value),
        (nameof(DatabricksOptions.AzureTenantId), (o, value) => o.AzureTenantId = value),
        (nameof(DatabricksOptions.AzureClientId), (o, value) => o.AzureClientId = value),
        (nameof(DatabricksOptions.AzureClientSecret), (o, value) => o.AzureClientSecret = value),
        (nameof(DatabricksOptions.AzureWorkspaceResourceId), (o, value) => o.AzureWorkspaceResourceId = value),
        (nameof(DatabricksOptions.AuthType), (o, value) => o.AuthType = value),
        (nameof(DatabricksOptions.Profile), (o, value) => o.Profile = value),
        (nameof(DatabricksOptions.ConfigFile), (o, value) => o.ConfigFile = value),
        (nameof(DatabricksOptions.SqlWarehouseId), (o, value) => o.SqlWarehouseId = value),
    ];

    private static readonly string[] Variables =
    [
        TrackingCredentials.UsernameVariable,
        TrackingCredentials.PasswordVariable,
        TrackingCredentials.TokenVariable,
        TrackingSettings.DestinationVariable,
        TrackingSettings.ExperimentNameVariable,
        TrackingSettings.ExperimentIdVariable,
    ];

    public void Configure(MlflowTracingOptions options)
    {
        if (services.GetService(typeof(IConfiguration)) is not IConfiguration configuration)
        {
            return;
        }

        options.TrackingUri = Text(nameof(options.TrackingUri), "MLFLOW_TRACKING_URI");
        options.TrackingUsername = Text(nameof(options.TrackingUsername), null);
        options.TrackingPassword = Text(nameof(options.TrackingPassword), null);
        options.TrackingToken = Text(nameof(options.TrackingToken), null);

        // Under the environment's names they are looked at as in the environment, where one kind goes before another and all behind what the code says. Read now: the host may
        // be gone when they are needed.
        var variables = Variables.ToDictionary(name => name, name => configuration[name]);
        options.Variable = name => variables.GetValueOrDefault(name);
        options.Experiment = Text(nameof(options.Experiment), null);
        options.ExperimentId = Text(nameof(options.ExperimentId), null);
        options.RunId = Text(nameof(options.RunId), "MLFLOW_RUN_ID");
        options.ModelId = Text(nameof(options.ModelId), "MLFLOW_ACTIVE_MODEL_ID");
        options.SpoolDirectory = Text(nameof(options.SpoolDirectory), "MLFLOW_SPOOL_DIRECTORY");
        options.SpoolMaxBytes = Value(nameof(options.SpoolMaxBytes), null, "a number of bytes, for example 268435456", ReadInt64) ?? options.SpoolMaxBytes;
        options.SamplingRatio = Value(nameof(options.SamplingRatio), "MLFLOW_TRACE_SAMPLING_RATIO", "a number from 0 (no trace) to 1 (every trace)", ReadDouble);
        options.KeepErrors = Value(nameof(options.KeepErrors), null, "true or false", ReadBoolean) ?? options.KeepErrors;
        options.KeepSlowerThan = Value(nameof(options.KeepSlowerThan), null, TimeRule, ReadTime);
        options.TraceTimeout = Value(nameof(options.TraceTimeout), "MLFLOW_TRACE_TIMEOUT_SECONDS", TimeRule, ReadTime);
        options.Autolog = Value(nameof(options.Autolog), null, "true or false", ReadBoolean) ?? options.Autolog;
        options.Privacy.Capture = Value(Capture, null, "Off, Metadata or Full", ReadCapture);
        foreach (var (name, set) in OfDatabricks)
        {
            if (Text($"{Databricks}:{name}", null) is { } text)
            {
                set(options.Databricks, text);
            }
        }

        options.Databricks.AzureUseMsi = Value($"{Databricks}:{nameof(DatabricksOptions.AzureUseMsi)}", null, "true or false", ReadBoolean) ?? options.Databricks.AzureUseMsi;
        options.Unknown.AddRange(configuration.GetSection(Section).GetChildren().Select(child => child.Key).Where(key => !Known.Contains(key, StringComparer.OrdinalIgnoreCase)));
        options.Unknown.AddRange(configuration.GetSection($"{Section}:{Databricks}").GetChildren().Select(child => child.Key)
            .Where(key => !OfDatabricks.Select(known => known.Name).Append(nameof(DatabricksOptions.AzureUseMsi)).Contains(key, StringComparer.OrdinalIgnoreCase))
            .Select(key => $"{Databricks}:{key}"));

        string? Text(string name, string? variable) => Find(name, variable)?.Value;

        T? Value<T>(string name, string? variable, string rule, Func<string, T?> read)
            where T : struct
        {
            if (Find(name, variable) is not { } found)
            {
                return null;
            }

            var value = read(found.Value);
            if (value is null)
            {
                options.Unreadable.Add($"{found.Key} is '{found.Value}': it must be {rule}.");
            }

            return value;
        }

        (string Key, string Value)? Find(string name, string? variable)
        {
            foreach (var key in (ReadOnlySpan<string?>)[$"{Section}:{name}", variable])
            {
                if (key is not null && configuration[key] is { Length: > 0 } value)
                {
                    return (key, value);
                }
            }

            return null;
        }
    }

    private static CaptureMode? ReadCapture(string text) => Enum.TryParse<CaptureMode>(text, ignoreCase: true, out var mode) && Enum.IsDefined(mode) ? mode : null;

    private static long? ReadInt64(string text) => long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static double? ReadDouble(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>A number alone would be days for .NET.</summary>
    private static TimeSpan? ReadTime(string text)
    {
        if (ReadDouble(text) is { } seconds)
        {
            return Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromSeconds(seconds) : null;
        }

        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    private static bool? ReadBoolean(string text) => bool.TryParse(text, out var value) ? value : null;
}
