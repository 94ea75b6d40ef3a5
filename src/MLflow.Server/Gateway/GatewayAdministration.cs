using System.Globalization;
using System.Text.RegularExpressions;
using MLflow.Server.Access;
using MLflow.Server.Access.Guards;
using MLflow.Server.Secrets;
using MLflow.Server.Storage;

namespace MLflow.Server.Gateway;

/// <summary>Changes models, endpoints and budgets, and writes it into the audit log. Whether the actor may is decided before.</summary>
internal sealed partial class GatewayAdministration
{
    private const int MaxName = 255;
    private const int MaxModels = 50;
    private const int MaxTags = 100;

    private readonly Documents _documents;
    private readonly UnguardedStores _stores;
    private readonly AuditLog _audit;
    private readonly TimeProvider _timeProvider;
    private volatile GatewayCatalog? _catalog;

    public GatewayAdministration(Documents documents, UnguardedStores stores, AuditLog audit, TimeProvider timeProvider)
    {
        _documents = documents;
        _stores = stores;
        _audit = audit;
        _timeProvider = timeProvider;
    }

    private long NowMs => _timeProvider.GetUtcNow().ToUnixTimeMilliseconds();

    public GatewayCatalog Current()
    {
        var documents = _documents.Current();
        return _catalog is { } kept && kept.Version == documents.Version ? kept : _catalog = new GatewayCatalog(documents);
    }

    /// <exception cref="MlflowException">Name, secret or provider are not right, or the name is taken.</exception>
    public async Task<GatewayModel> CreateModelAsync(Actor actor, string name, string secretId, string provider, string modelName, CancellationToken cancellationToken)
    {
        CheckName(name, "model definition");
        var now = NowMs;
        var model = new GatewayModel
        {
            Id = "d-" + Guid.NewGuid().ToString("n"),
            Name = name,
            SecretId = secretId,
            Provider = GatewayProvider.Require(provider).Name,
            ModelName = modelName,
            CreatedMs = now,
            UpdatedMs = now,
            CreatedBy = actor.Name,
            UpdatedBy = actor.Name,
        };
        await ChangeAsync(catalog =>
        {
            CheckModel(catalog, model);
            return new DocumentChange<bool>(true, GatewayCatalog.Document(model));
        }, cancellationToken).ConfigureAwait(false);
        await AuditAsync(actor, $"model {name}: created").ConfigureAwait(false);
        return model;
    }

    /// <exception cref="MlflowException">There is no such model, or it would not be right.</exception>
    public async Task<GatewayModel> UpdateModelAsync(Actor actor, string id, Func<GatewayModel, GatewayModel> update, CancellationToken cancellationToken)
    {
        var changed = await ChangeAsync(catalog =>
        {
            var model = update(catalog.RequireModel(id)) with { UpdatedMs = NowMs, UpdatedBy = actor.Name };
            CheckName(model.Name, "model definition");
            CheckModel(catalog, model);
            return new DocumentChange<GatewayModel>(model, GatewayCatalog.Document(model));
        }, cancellationToken).ConfigureAwait(false);
        await AuditAsync(actor, $"model {changed.Name}: changed").ConfigureAwait(false);
        return changed;
    }

    /// <exception cref="MlflowException">INVALID_STATE: an endpoint uses it.</exception>
    public async Task DeleteModelAsync(Actor actor, string id, CancellationToken cancellationToken)
    {
        var deleted = await ChangeAsync(catalog => catalog.Endpoints.Any(endpoint => endpoint.Models.Any(mapping => mapping.ModelId == id))
            ? throw new MlflowException(ErrorCode.INVALID_STATE, "Cannot delete model definition that is currently in use by endpoints. Detach it from all endpoints first.")
            : new DocumentChange<GatewayModel>(catalog.RequireModel(id), [], [id]), cancellationToken).ConfigureAwait(false);
        await AuditAsync(actor, $"model {deleted.Name}: deleted").ConfigureAwait(false);
    }

    /// <param name="actor">Who does it.</param>
    /// <param name="endpoint">Without id, times and experiment, where it has none of its own.</param>
    /// <param name="experimentId">Where its traces go; null for an experiment that is named after it, and made where it is missing.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">It is not right, or a name is taken.</exception>
    public async Task<GatewayEndpoint> CreateEndpointAsync(Actor actor, GatewayEndpoint endpoint, long? experimentId, CancellationToken cancellationToken)
    {
        CheckEndpointName(endpoint.Name);

        // Before the experiment is made, which would stay behind without an endpoint.
        CheckEndpoint(Current(), endpoint);
        var now = NowMs;
        var made = endpoint with
        {
            Id = "e-" + Guid.NewGuid().ToString("n"),
            ExperimentId = await ExperimentAsync(endpoint.Name, experimentId, cancellationToken).ConfigureAwait(false),
            CreatedMs = now,
            UpdatedMs = now,
            CreatedBy = actor.Name,
            UpdatedBy = actor.Name,
        };
        await ChangeAsync(catalog =>
        {
            CheckEndpoint(catalog, made);
            return new DocumentChange<bool>(true, GatewayCatalog.Document(made));
        }, cancellationToken).ConfigureAwait(false);
        await AuditAsync(actor, $"endpoint {made.Name}: created").ConfigureAwait(false);
        return made;
    }

    /// <exception cref="MlflowException">There is no such endpoint, or it would not be right.</exception>
    public async Task<GatewayEndpoint> UpdateEndpointAsync(Actor actor, string id, Func<GatewayEndpoint, GatewayEndpoint> update, CancellationToken cancellationToken)
    {
        var changed = await ChangeAsync(catalog =>
        {
            var endpoint = update(catalog.RequireEndpoint(id)) with { UpdatedMs = NowMs, UpdatedBy = actor.Name };
            CheckEndpointName(endpoint.Name);
            CheckEndpoint(catalog, endpoint);
            return new DocumentChange<GatewayEndpoint>(endpoint, GatewayCatalog.Document(endpoint));
        }, cancellationToken).ConfigureAwait(false);
        await AuditAsync(actor, $"endpoint {changed.Name}: changed").ConfigureAwait(false);
        return changed;
    }

    /// <summary>Makes or changes an endpoint together with its models: those that there are not yet are made, all at once or nothing.</summary>
    /// <param name="actor">Who does it.</param>
    /// <param name="id">The endpoint; null for a new one.</param>
    /// <param name="models">All its models, fallbacks in their order.</param>
    /// <param name="experimentId">Where its traces go; null to leave that, or, for a new one, for the experiment that is named after it.</param>
    /// <param name="update">Says everything else.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">It would not be right, and which field is not.</exception>
    public async Task<GatewayEndpoint> SaveEndpointAsync(
        Actor actor, string? id, IReadOnlyList<ModelChoice> models, long? experimentId, Func<GatewayEndpoint, GatewayEndpoint> update, CancellationToken cancellationToken)
    {
        var now = NowMs;
        var empty = new GatewayEndpoint { Name = "", Models = [], ExperimentId = 0 };
        var ofNew = 0L;
        if (id is null)
        {
            CheckEndpointName(update(empty).Name);

            // Before the experiment is made, which would stay behind without an endpoint.
            Save(_documents.Current());
            ofNew = await ExperimentAsync(update(empty).Name, experimentId, cancellationToken).ConfigureAwait(false);
        }
        else if (experimentId is { } other)
        {
            await RequireExperimentAsync(other, cancellationToken).ConfigureAwait(false);
        }

        var (saved, made) = await _documents.ChangeAsync(documents => Task.FromResult(Save(documents)), cancellationToken).ConfigureAwait(false);
        foreach (var model in made)
        {
            await AuditAsync(actor, $"model {model.Name}: created").ConfigureAwait(false);
        }

        await AuditAsync(actor, $"endpoint {saved.Name}: {(id is null ? "created" : "changed")}").ConfigureAwait(false);
        return saved;

        DocumentChange<(GatewayEndpoint Saved, List<GatewayModel> Made)> Save(GatewayDocuments documents)
        {
            var catalog = new GatewayCatalog(documents);
            var old = id is null ? empty with { Id = "e-" + Guid.NewGuid().ToString("n"), ExperimentId = ofNew, CreatedMs = now, CreatedBy = actor.Name } : catalog.RequireEndpoint(id);
            var added = new List<GatewayModel>();
            var mappings = models.Select((choice, i) => Map(catalog, added, old, choice, i, actor)).ToList();
            if (mappings.GroupBy(mapping => mapping.ModelId).FirstOrDefault(group => group.Count() > 1) is { } twice)
            {
                var name = catalog.Models.Concat(added).First(model => model.Id == twice.Key).ModelName;
                throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Model '{TracePreview.Cut(name, MaxName)}' is there twice with one key: give it once, with the weight of both.") { Field = "model_configs" };
            }

            var endpoint = update(old) with { Models = mappings, ExperimentId = experimentId ?? old.ExperimentId, UpdatedMs = now, UpdatedBy = actor.Name };
            var put = added.ConvertAll(GatewayCatalog.Document);
            catalog = new GatewayCatalog(documents with { All = [.. documents.All, .. put] });
            added.ForEach(model => CheckModel(catalog, model));
            CheckEndpointName(endpoint.Name);
            CheckEndpoint(catalog, endpoint);
            return new DocumentChange<(GatewayEndpoint, List<GatewayModel>)>((endpoint, added), [.. put, GatewayCatalog.Document(endpoint)], []);
        }
    }

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none.</exception>
    public async Task DeleteEndpointAsync(Actor actor, string id, CancellationToken cancellationToken)
    {
        var deleted = await ChangeAsync(
            catalog => new DocumentChange<GatewayEndpoint>(
                catalog.RequireEndpoint(id), [], [id, .. catalog.Bindings.Where(binding => binding.EndpointId == id).Select(binding => binding.Id)]), cancellationToken).ConfigureAwait(false);
        await AuditAsync(actor, $"endpoint {deleted.Name}: deleted").ConfigureAwait(false);
    }

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such experiment.</exception>
    public async Task RequireExperimentAsync(long experimentId, CancellationToken cancellationToken)
    {
        if (await _stores.Experiments.GetAsync(experimentId, cancellationToken).ConfigureAwait(false) is not { IsActive: true })
        {
            throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No Experiment with id={experimentId} exists") { Field = "experiment_id" };
        }
    }

    public async Task<GatewayBinding> AddBindingAsync(Actor actor, string endpointId, string resourceType, string resourceId, CancellationToken cancellationToken)
    {
        CheckName(resourceId, "resource id");
        if (resourceType != "scorer")
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid resource_type '{resourceType}': it must be scorer.");
        }

        var binding = new GatewayBinding { EndpointId = endpointId, ResourceType = resourceType, ResourceId = resourceId, CreatedMs = NowMs, CreatedBy = actor.Name };
        return await ChangeAsync(catalog =>
        {
            catalog.RequireEndpoint(endpointId);
            return new DocumentChange<GatewayBinding>(binding, GatewayCatalog.Document(binding));
        }, cancellationToken).ConfigureAwait(false);
    }

    public Task RemoveBindingAsync(string endpointId, string resourceType, string resourceId, CancellationToken cancellationToken) => ChangeAsync(catalog =>
    {
        var binding = catalog.Bindings.FirstOrDefault(binding => binding.EndpointId == endpointId && binding.ResourceType == resourceType && binding.ResourceId == resourceId)
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"GatewayEndpointBinding not found (endpoint_id='{endpointId}', resource_type='{resourceType}', resource_id='{resourceId}')");
        return new DocumentChange<bool>(true, [], [binding.Id]);
    }, cancellationToken);

    /// <exception cref="MlflowException">It is not right.</exception>
    public async Task<GatewayBudget> PutBudgetAsync(Actor actor, string? id, Func<GatewayBudget?, GatewayBudget> make, CancellationToken cancellationToken)
    {
        var now = NowMs;
        var made = await ChangeAsync(catalog =>
        {
            var old = id is null ? null : catalog.RequireBudget(id);
            var budget = make(old) with
            {
                Id = old?.Id ?? "bp-" + Guid.NewGuid().ToString("n"),
                CreatedMs = old?.CreatedMs ?? now,
                CreatedBy = old?.CreatedBy ?? actor.Name,
                UpdatedMs = now,
                UpdatedBy = actor.Name,
            };
            CheckBudget(catalog, budget);
            return new DocumentChange<GatewayBudget>(budget, GatewayCatalog.Document(budget));
        }, cancellationToken).ConfigureAwait(false);
        await AuditAsync(actor, $"budget {made.Id}: {(id is null ? "created" : "changed")}").ConfigureAwait(false);
        return made;
    }

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none.</exception>
    public async Task DeleteBudgetAsync(Actor actor, string id, CancellationToken cancellationToken)
    {
        await ChangeAsync(catalog => new DocumentChange<GatewayBudget>(catalog.RequireBudget(id), [], [id]), cancellationToken).ConfigureAwait(false);
        await AuditAsync(actor, $"budget {id}: deleted").ConfigureAwait(false);
    }

    private static void CheckName(string name, string what, string field = "name")
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > MaxName || name.Any(char.IsControl))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid {what} name: it must have 1 to {MaxName} characters and no control characters among them.") { Field = field };
        }
    }

    private static void CheckEndpointName(string name)
    {
        if (name.Length > MaxName || !EndpointName().IsMatch(name))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid endpoint name '{TracePreview.Cut(name, MaxName)}'. Name can only contain letters, numbers, underscores, hyphens, and dots.") { Field = "name" };
        }
    }

    // A secret of one provider would be sent to another's address otherwise.
    private static void CheckModel(GatewayCatalog catalog, GatewayModel model)
    {
        CheckName(model.ModelName, "provider's model", "model_configs");
        if (catalog.Models.Any(other => other.Name == model.Name && other.Id != model.Id))
        {
            throw new MlflowException(ErrorCode.RESOURCE_ALREADY_EXISTS, $"Model definition with name '{model.Name}' already exists");
        }

        var secret = catalog.Secrets.GetValueOrDefault(model.SecretId ?? "") ?? throw SecretVault.NotFound("secret_id", model.SecretId ?? "");
        if (secret.Provider != model.Provider)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Secret '{secret.Name}' is of provider '{secret.Provider}', and the model of '{model.Provider}': a secret is sent to its own provider only.") { Field = "model_configs" };
        }
    }

    private static void CheckEndpoint(GatewayCatalog catalog, GatewayEndpoint endpoint)
    {
        if (endpoint.Models.Count == 0)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Endpoint must have at least one model configuration") { Field = "model_configs" };
        }

        if (endpoint.Models.Where(mapping => catalog.Model(mapping.ModelId) is null).Select(mapping => mapping.ModelId).ToList() is { Count: > 0 } missing)
        {
            throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Model definitions not found: {string.Join(", ", missing)}");
        }

        if (endpoint.Models.Count > MaxModels || endpoint.Models.Any(mapping => !(mapping.Weight is >= 0 and <= 1_000_000)) || !endpoint.Models.Any(mapping => mapping is { IsFallback: false, Weight: > 0 }))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"An endpoint has at most {MaxModels} models, each with a weight of 0 to 1000000, and one of them at least must be PRIMARY with a weight above 0.") { Field = "model_configs" };
        }

        if (endpoint.Retries is < 0 or > 5 || endpoint.MaxAttempts is < 0 or > MaxModels || endpoint.Tags.Count > MaxTags)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"retries must be 0 to 5, max_attempts 0 to {MaxModels}, and there may be at most {MaxTags} tags.") { Field = "retries" };
        }

        if (endpoint.Aliases.FirstOrDefault(alias => alias.Length > MaxName || !Alias().IsMatch(alias)) is { } wrong)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid alias '{TracePreview.Cut(wrong, MaxName)}': it can only contain letters, numbers and _ - . : / @.") { Field = "aliases" };
        }

        string[] names = [endpoint.Name, .. endpoint.Aliases];
        if (names.FirstOrDefault(name => names.Count(other => other == name) > 1 || catalog.Endpoints.Any(other => other.Id != endpoint.Id && other.IsCalled(name))) is { } taken)
        {
            throw new MlflowException(ErrorCode.RESOURCE_ALREADY_EXISTS, $"Endpoint with name '{taken}' already exists") { Field = taken == endpoint.Name ? "name" : "aliases" };
        }
    }

    private static void CheckBudget(GatewayCatalog catalog, GatewayBudget budget)
    {
        if (budget.Amount is <= 0 or > 1_000_000_000)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid budget_amount {budget.Amount}: it must be more than 0 and at most 1000000000 US dollars.") { Field = "budget_amount" };
        }

        // Usage is counted by the hour.
        if (budget.DurationUnit is not ("HOURS" or "DAYS" or "WEEKS" or "MONTHS") || budget.DurationValue is < 1 or > 1000 || (budget.DurationUnit == "MONTHS" && budget.DurationValue > 12))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid duration {budget.DurationValue} {budget.DurationUnit}: the unit must be HOURS, DAYS, WEEKS or MONTHS, and the value 1 to 1000 (of months, to 12).") { Field = "duration" };
        }

        if (budget.Scope is not ("GLOBAL" or "ENDPOINT" or "USER") || (budget.Scope == "ENDPOINT" && string.IsNullOrEmpty(budget.Target)))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid target_scope '{budget.Scope}': it must be GLOBAL, ENDPOINT with the endpoint's id as target_value, or USER with the user's name, or with none for each user.") { Field = "target_value" };
        }

        if (budget.Scope == "ENDPOINT")
        {
            catalog.RequireEndpoint(budget.Target!);
        }
        else if (!string.IsNullOrEmpty(budget.Target))
        {
            CheckName(budget.Target, "target_value, the user's");
        }
    }

    /// <summary>The model that is meant, which is made where there is none of that key and name.</summary>
    private ModelMapping Map(GatewayCatalog catalog, List<GatewayModel> added, GatewayEndpoint old, ModelChoice choice, int order, Actor actor)
    {
        if (catalog.Secrets.GetValueOrDefault(choice.SecretId) is not { } secret)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Model '{TracePreview.Cut(choice.ModelName, MaxName)}' has no key: choose one.") { Field = "model_configs" };
        }

        // Of several alike, the one that the endpoint has already.
        var model = catalog.Models.Concat(added).Where(model => model.SecretId == secret.Id && model.ModelName == choice.ModelName)
            .OrderByDescending(model => old.Models.Any(mapping => mapping.ModelId == model.Id)).FirstOrDefault();
        if (model is null)
        {
            model = new GatewayModel
            {
                Id = "d-" + Guid.NewGuid().ToString("n"),
                Name = FreeName(choice.ModelName, name => catalog.Models.Concat(added).Any(other => other.Name == name)),
                SecretId = secret.Id,
                Provider = secret.Provider,
                ModelName = choice.ModelName,
                CreatedMs = NowMs,
                UpdatedMs = NowMs,
                CreatedBy = actor.Name,
                UpdatedBy = actor.Name,
            };
            added.Add(model);
        }

        var mapping = old.Models.FirstOrDefault(mapping => mapping.ModelId == model.Id) ?? new ModelMapping("m-" + Guid.NewGuid().ToString("n"), model.Id, 1, false, 0, NowMs, actor.Name);
        return mapping with { Weight = choice.Weight, IsFallback = choice.IsFallback, FallbackOrder = order };
    }

    private static string FreeName(string name, Func<string, bool> isTaken)
    {
        var free = name;
        for (var number = 2; isTaken(free); number++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{name}-{number}");
        }

        return free;
    }

    private async Task<long> ExperimentAsync(string endpoint, long? experimentId, CancellationToken cancellationToken)
    {
        if (experimentId is { } given)
        {
            await RequireExperimentAsync(given, cancellationToken).ConfigureAwait(false);
            return given;
        }

        var name = "gateway/" + endpoint;
        var found = await _stores.Experiments.GetByNameAsync(name, cancellationToken).ConfigureAwait(false);
        if (found is { IsActive: true })
        {
            return found.ExperimentId;
        }

        if (found is not null)
        {
            throw new MlflowException(ErrorCode.INVALID_STATE, $"The experiment '{name}', where this endpoint's traces belong, is deleted: restore it, or name another one in experiment_id.") { Field = "experiment_id" };
        }

        try
        {
            return (await _stores.Experiments.CreateAsync(name, null, new Dictionary<string, string>(), cancellationToken).ConfigureAwait(false)).ExperimentId;
        }
        catch (MlflowException e) when (e.ErrorCode == ErrorCode.RESOURCE_ALREADY_EXISTS)
        {
            // Another request has made it at the same moment.
            return (await _stores.Experiments.GetByNameAsync(name, cancellationToken).ConfigureAwait(false))!.ExperimentId;
        }
    }

    private Task<T> ChangeAsync<T>(Func<GatewayCatalog, DocumentChange<T>> change, CancellationToken cancellationToken) =>
        _documents.ChangeAsync(documents => Task.FromResult(change(new GatewayCatalog(documents))), cancellationToken);

    private Task AuditAsync(Actor actor, string target) => _audit.WriteAsync(actor, AuditAction.ChangeGateway, target, AuditResult.Done);

    [GeneratedRegex(@"^[a-zA-Z0-9_\-\.]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex EndpointName();

    [GeneratedRegex(@"^[a-zA-Z0-9_\-\.:/@]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Alias();
}
