using Microsoft.Extensions.Options;

namespace MLflow;

/// <summary>Finds all mistakes at once.</summary>
internal sealed class MlflowTracingOptionsValidator : IValidateOptions<MlflowTracingOptions>
{
    private const int MaxExperimentLength = 500;

    public ValidateOptionsResult Validate(string? name, MlflowTracingOptions options)
    {
        var mistakes = new List<string>(options.Unreadable);
        Check("MLflow:TrackingUri", () =>
        {
            if (options.TrackingUri is { } uri)
            {
                TrackingSettings.CheckTrackingUri(uri, options.Databricks);
            }
        });
        if (SettingRules.OfCredentials(ConfigurationReader.Section + ":", options) is { } credentials)
        {
            mistakes.Add(credentials);
        }

        if (options.Experiment is { } experiment && (string.IsNullOrWhiteSpace(experiment) || experiment.Length > MaxExperimentLength))
        {
            mistakes.Add($"MLflow:Experiment is '{TracePreview.Cut(experiment, 40)}' ({experiment.Length} characters): a name has 1 to {MaxExperimentLength} characters. Leave it away for the default experiment.");
        }

        if (options is { Experiment: not null, ExperimentId: not null })
        {
            mistakes.Add($"MLflow:Experiment is '{TracePreview.Cut(options.Experiment, 40)}' and MLflow:ExperimentId is '{options.ExperimentId}': give one of them.");
        }

        Apply(nameof(options.RunId), SettingRules.OfId(options.RunId));
        Apply(nameof(options.ModelId), SettingRules.OfId(options.ModelId));
        Check("MLflow:SpoolDirectory", () => TrackingSettings.SpoolFolder(options));
        if (options.SpoolMaxBytes < 0)
        {
            mistakes.Add($"MLflow:SpoolMaxBytes is {options.SpoolMaxBytes}: it must be 0 or more bytes. To keep nothing on the disk set MLflow:SpoolDirectory to 'none'.");
        }

        Apply(nameof(options.SamplingRatio), SettingRules.OfRatio(options.SamplingRatio));
        Apply(nameof(options.KeepSlowerThan), SettingRules.OfKeepSlowerThan(options.KeepSlowerThan));
        Apply(nameof(options.TraceTimeout), SettingRules.OfTraceTimeout(options.TraceTimeout));
        Check("Privacy", () => PrivacyFilter.Check(options.Privacy));
        Check("ConfigureOpenAI", () =>
        {
            var openAI = new OpenAIAutologOptions();
            options.ConfigureOpenAI?.Invoke(openAI);
            openAI.Validate();
        });
        return mistakes.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(mistakes);

        void Apply(string setting, string? mistake)
        {
            if (mistake is not null)
            {
                mistakes.Add($"{ConfigurationReader.Section}:{setting} {mistake}");
            }
        }

        void Check(string setting, Action check)
        {
            try
            {
                check();
            }
            catch (ArgumentException e)
            {
                mistakes.Add($"{setting}: {WithoutParameter(e)}");
            }
        }
    }

    /// <summary>The message without the name of a parameter that the reader never wrote.</summary>
    private static string WithoutParameter(ArgumentException e) =>
        e.ParamName is { } parameter ? e.Message.Replace($" (Parameter '{parameter}')", "", StringComparison.Ordinal) : e.Message;
}
