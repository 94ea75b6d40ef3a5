using System.Text.Json;
using MLflow.Server.Secrets;
using MLflow.Server.Storage;

namespace MLflow.Server.Gateway;

/// <summary>All that the gateway works with, of one moment.</summary>
internal sealed class GatewayCatalog
{
    private readonly Dictionary<string, GatewayEndpoint> _names = new(StringComparer.Ordinal);

    public GatewayCatalog(GatewayDocuments documents)
    {
        Version = documents.Version;
        Secrets = SecretVault.All(documents).ToDictionary(secret => secret.Id);
        Models = [.. documents.All.Where(document => document.Kind == GatewayModel.Kind)
            .Select(document => JsonSerializer.Deserialize(document.Body, GatewayJsonContext.Default.GatewayModel)! with { Id = document.Id }).OrderBy(model => model.Name, StringComparer.Ordinal)];
        Endpoints = [.. documents.All.Where(document => document.Kind == GatewayEndpoint.Kind)
            .Select(document => JsonSerializer.Deserialize(document.Body, GatewayJsonContext.Default.GatewayEndpoint)! with { Id = document.Id }).OrderBy(endpoint => endpoint.Name, StringComparer.Ordinal)];
        Bindings = [.. documents.All.Where(document => document.Kind == GatewayBinding.Kind).Select(document => JsonSerializer.Deserialize(document.Body, GatewayJsonContext.Default.GatewayBinding)!)];
        Budgets = [.. documents.All.Where(document => document.Kind == GatewayBudget.Kind)
            .Select(document => JsonSerializer.Deserialize(document.Body, GatewayJsonContext.Default.GatewayBudget)! with { Id = document.Id }).OrderBy(budget => budget.CreatedMs).ThenBy(budget => budget.Id, StringComparer.Ordinal)];
        foreach (var endpoint in Endpoints)
        {
            foreach (var name in (IEnumerable<string>)[endpoint.Name, .. endpoint.Aliases])
            {
                _names[name] = endpoint;
            }
        }
    }

    public long Version { get; }

    public IReadOnlyDictionary<string, StoredSecret> Secrets { get; }

    /// <summary>By name.</summary>
    public IReadOnlyList<GatewayModel> Models { get; }

    /// <summary>By name.</summary>
    public IReadOnlyList<GatewayEndpoint> Endpoints { get; }

    public IReadOnlyList<GatewayBinding> Bindings { get; }

    public IReadOnlyList<GatewayBudget> Budgets { get; }

    /// <summary>The endpoint of that name or alias, or null.</summary>
    public GatewayEndpoint? Find(string name) => _names.GetValueOrDefault(name);

    public GatewayModel? Model(string id) => Models.FirstOrDefault(model => model.Id == id);

    /// <summary>The models that are called with a secret.</summary>
    public IEnumerable<GatewayModel> ModelsOf(string secretId) => Models.Where(model => model.SecretId == secretId);

    /// <summary>The endpoints that have a model.</summary>
    public IEnumerable<GatewayEndpoint> EndpointsOf(string modelId) => Endpoints.Where(endpoint => endpoint.Models.Any(mapping => mapping.ModelId == modelId));

    /// <exception cref="MlflowException">INVALID_STATE: models are called with the secret.</exception>
    public void RequireUnused(string secretId)
    {
        var users = ModelsOf(secretId).SelectMany(model => EndpointsOf(model.Id).Select(endpoint => $"endpoint '{endpoint.Name}'").DefaultIfEmpty($"model '{model.Name}'")).Distinct().ToList();
        if (users.Count > 0)
        {
            throw new MlflowException(ErrorCode.INVALID_STATE, $"Secret '{Secrets.GetValueOrDefault(secretId)?.Name}' is in use by {string.Join(", ", users)}: give them another one first.");
        }
    }

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none.</exception>
    public GatewayEndpoint RequireEndpoint(string id) => Endpoints.FirstOrDefault(endpoint => endpoint.Id == id) ?? throw NoEndpoint("endpoint_id", id);

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none.</exception>
    public GatewayModel RequireModel(string id) =>
        Model(id) ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"GatewayModelDefinition not found (model_definition_id='{id}')");

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none.</exception>
    public GatewayBudget RequireBudget(string id) =>
        Budgets.FirstOrDefault(budget => budget.Id == id) ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"GatewayBudgetPolicy not found (budget_policy_id='{id}')");

    public static MlflowException NoEndpoint(string what, string value) => new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"GatewayEndpoint not found ({what}='{value}')");

    public static GatewayDocument Document(GatewayModel model) => new(model.Id, GatewayModel.Kind, JsonSerializer.Serialize(model, GatewayJsonContext.Default.GatewayModel));

    public static GatewayDocument Document(GatewayEndpoint endpoint) => new(endpoint.Id, GatewayEndpoint.Kind, JsonSerializer.Serialize(endpoint, GatewayJsonContext.Default.GatewayEndpoint));

    public static GatewayDocument Document(GatewayBinding binding) => new(binding.Id, GatewayBinding.Kind, JsonSerializer.Serialize(binding, GatewayJsonContext.Default.GatewayBinding));

    public static GatewayDocument Document(GatewayBudget budget) => new(budget.Id, GatewayBudget.Kind, JsonSerializer.Serialize(budget, GatewayJsonContext.Default.GatewayBudget));
}
