using System.Globalization;
using MLflow.Server.Access;
using MLflow.Server.Gateway;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Endpoints;

/// <summary>An endpoint as it is typed, and what the server's rules have against it, by field.</summary>
public sealed class EndpointDraft
{
    public const string ModelsField = "model_configs";
    public const string RetriesField = "retries";
    public const string LimitsField = "rate_limits";
    public const string ExperimentField = "experiment_id";

    private string? _id;

    /// <summary>Null for a new one.</summary>
    public string? Known { get; private init; }

    public string Name { get; set; } = "";

    /// <summary>With commas or spaces between them, which no alias has.</summary>
    public string Aliases { get; set; } = "";

    public List<ModelDraft> Models { get; private init; } = [new()];

    public List<LimitDraft> Limits { get; private init; } = [];

    public string Retries { get; set; } = "0";

    /// <summary>Empty for all fallbacks.</summary>
    public string MaxAttempts { get; set; } = "";

    /// <summary>Empty for the experiment that is named after the endpoint.</summary>
    public string ExperimentId { get; set; } = "";

    public bool IsTraced { get; set; } = true;

    public bool HasContent { get; set; }

    /// <summary>What is wrong, by MLflow's names of the fields; what is of none of them by an empty name.</summary>
    public Dictionary<string, string> Problems { get; } = [];

    internal static EndpointDraft Of(GatewayEndpoint endpoint, GatewayCatalog catalog) => new()
    {
        _id = endpoint.Id,
        Known = endpoint.Name,
        Name = endpoint.Name,
        Aliases = string.Join(", ", endpoint.Aliases),
        Models = [.. endpoint.Models.OrderBy(mapping => mapping.IsFallback).ThenBy(mapping => mapping.FallbackOrder).Select(mapping => new ModelDraft
        {
            SecretId = catalog.Model(mapping.ModelId)?.SecretId ?? "",
            ModelName = catalog.Model(mapping.ModelId)?.ModelName ?? "",
            IsFallback = mapping.IsFallback,
            Weight = mapping.Weight.ToString(CultureInfo.InvariantCulture),
        })],
        Limits = [.. endpoint.RateLimits.Select(limit => new LimitDraft { Calls = limit.Calls.ToString(CultureInfo.InvariantCulture), Key = limit.Key, Period = limit.RenewalPeriod })],
        Retries = endpoint.Retries.ToString(CultureInfo.InvariantCulture),
        MaxAttempts = endpoint.MaxAttempts?.ToString(CultureInfo.InvariantCulture) ?? "",
        ExperimentId = endpoint.ExperimentId.ToString(CultureInfo.InvariantCulture),
        IsTraced = endpoint.UsageTracking,
        HasContent = endpoint.RecordContent,
    };

    /// <summary>Saves it, or fills <see cref="Problems"/> and returns null.</summary>
    internal async Task<GatewayEndpoint?> SaveAsync(GatewayAdministration administration, Actor actor, CancellationToken cancellationToken)
    {
        Problems.Clear();
        var models = Models.ConvertAll(model => new ModelChoice(
            model.SecretId, model.ModelName.Trim(), model.IsFallback && model.Weight.Trim().Length == 0 ? 1 : Number(model.Weight, ModelsField, T("A weight")), model.IsFallback));
        var limits = Limits.ConvertAll(limit => Limit(limit));
        var retries = (int)Number(Retries, RetriesField, T("The number of further tries"), isWhole: true);
        int? most = MaxAttempts.Trim().Length == 0 ? null : (int)Number(MaxAttempts, RetriesField, T("The number of fallbacks"), isWhole: true);
        long? experimentId = ExperimentId.Length == 0 ? null : (long)Number(ExperimentId, ExperimentField, T("The experiment"), isWhole: true);
        if (Problems.Count > 0)
        {
            return null;
        }

        try
        {
            return await administration.SaveEndpointAsync(
                actor,
                _id,
                models,
                experimentId,
                old => old with
                {
                    Name = Name.Trim(),
                    Aliases = Aliases.Split([',', ' ', '、', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
                    RateLimits = [.. limits.OfType<RateLimit>()],
                    Retries = retries,
                    MaxAttempts = most,
                    UsageTracking = IsTraced,
                    RecordContent = HasContent,
                },
                cancellationToken);
        }
        catch (MlflowException e) when (e.ErrorCode != ErrorCode.UNAUTHENTICATED)
        {
            Problems[e.Field ?? ""] = e.Message;
            return null;
        }
    }

    private RateLimit? Limit(LimitDraft draft)
    {
        try
        {
            return RateLimit.Of(long.TryParse(draft.Calls.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var calls) ? calls : null, draft.Key, draft.Period);
        }
        catch (MlflowException e)
        {
            Problems[LimitsField] = e.Message;
            return null;
        }
    }

    private double Number(string text, string field, string what, bool isWhole = false)
    {
        if (double.TryParse(text.Trim(), isWhole ? NumberStyles.None : NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number <= 1e15)
        {
            return number;
        }

        Problems[field] = T("{0} must be a number, 0 or more: '{1}' is none.", what, TracePreview.Cut(text, 100));
        return 0;
    }
}
