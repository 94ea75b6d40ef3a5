using System.Globalization;
using System.Text.Json;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using MLflow.Server.Gateway;

namespace MLflow.Server.Rest;

/// <summary><c>/api/3.0/mlflow/gateway/…</c>, as MLflow's server has them: models, endpoints, bindings and budgets. Ours are <c>aliases</c>, <c>retries</c>, <c>record_content</c> and <c>rate_limits</c> of endpoints.</summary>
internal static class GatewayAdminEndpoints
{
    private const string Root = "3.0/mlflow/gateway/";
    private const string Strategy = "REQUEST_BASED_TRAFFIC_SPLIT";

    public static void MapGatewayAdministration(this IEndpointRouteBuilder routes)
    {
        Map(HttpMethods.Post, "model-definitions/create", CreateModelAsync);
        Map(HttpMethods.Get, "model-definitions/get", GetModel);
        Map(HttpMethods.Get, "model-definitions/list", ListModels);
        Map(HttpMethods.Post, "model-definitions/update", UpdateModelAsync);
        Map(HttpMethods.Delete, "model-definitions/delete", DeleteModelAsync);
        Map(HttpMethods.Post, "endpoints/create", CreateEndpointAsync);
        Map(HttpMethods.Get, "endpoints/get", GetEndpoint);
        Map(HttpMethods.Post, "endpoints/update", UpdateEndpointAsync);
        Map(HttpMethods.Delete, "endpoints/delete", DeleteEndpointAsync);
        Map(HttpMethods.Get, "endpoints/list", ListEndpoints);
        Map(HttpMethods.Post, "endpoints/models/attach", AttachAsync);
        Map(HttpMethods.Post, "endpoints/models/detach", DetachAsync);
        Map(HttpMethods.Post, "endpoints/bindings/create", BindAsync);
        Map(HttpMethods.Delete, "endpoints/bindings/delete", UnbindAsync);
        Map(HttpMethods.Get, "endpoints/bindings/list", ListBindings);
        Map(HttpMethods.Post, "endpoints/set-tag", SetTagAsync);
        Map(HttpMethods.Delete, "endpoints/delete-tag", DeleteTagAsync);
        Map(HttpMethods.Post, "budgets/create", CreateBudgetAsync);
        Map(HttpMethods.Get, "budgets/get", GetBudget);
        Map(HttpMethods.Post, "budgets/update", UpdateBudgetAsync);
        Map(HttpMethods.Delete, "budgets/delete", DeleteBudgetAsync);
        Map(HttpMethods.Get, "budgets/list", ListBudgets);
        Map(HttpMethods.Get, "budgets/windows", ListWindows);

        void Map(string method, string path, Delegate handler) => routes.MapApi(method, Root + path, AccessPolicies.Administrator, handler);
    }

    private static async Task<IResult> CreateModelAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var model = await administration.CreateModelAsync(
            await caller.ActorAsync().ConfigureAwait(false), body.Required("name"), body.Required("secret_id"), body.Required("provider"), body.Required("model_name"), cancellationToken).ConfigureAwait(false);
        return Answer("model_definition", model, administration.Current(), Write);
    }

    private static JsonAnswer GetModel(HttpRequest request, GatewayAdministration administration)
    {
        var catalog = administration.Current();
        return Answer("model_definition", catalog.RequireModel(RequestJson.FromQuery(request).Required("model_definition_id")), catalog, Write);
    }

    private static JsonAnswer ListModels(HttpRequest request, GatewayAdministration administration)
    {
        var (provider, secretId) = Filter(request);
        var catalog = administration.Current();
        var models = catalog.Models.Where(model => Fits(model, provider, secretId)).ToList();
        return new JsonAnswer(writer => writer.WriteList("model_definitions", models, (w, model) => Write(w, model, catalog)));
    }

    private static async Task<IResult> UpdateModelAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var model = await administration.UpdateModelAsync(
            await caller.ActorAsync().ConfigureAwait(false),
            body.Required("model_definition_id"),
            old => old with
            {
                Name = Given(body, "name") ?? old.Name,
                SecretId = Given(body, "secret_id") ?? old.SecretId,
                ModelName = Given(body, "model_name") ?? old.ModelName,
                Provider = Given(body, "provider") is { } provider ? GatewayProvider.Require(provider).Name : old.Provider,
            },
            cancellationToken).ConfigureAwait(false);
        return Answer("model_definition", model, administration.Current(), Write);
    }

    private static async Task<IResult> DeleteModelAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await administration.DeleteModelAsync(await caller.ActorAsync().ConfigureAwait(false), body.Required("model_definition_id"), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> CreateEndpointAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var actor = await caller.ActorAsync().ConfigureAwait(false);
        if (body.Element("model_configs") is not { ValueKind: not JsonValueKind.Null })
        {
            throw RequestJson.Missing("model_configs");
        }

        var endpoint = Read(body, new GatewayEndpoint { Name = body.Required("name"), Models = [], ExperimentId = 0 }, actor, timeProvider);
        endpoint = await administration.CreateEndpointAsync(actor, endpoint, ExperimentId(body), cancellationToken).ConfigureAwait(false);
        return Answer("endpoint", endpoint, administration.Current(), Write);
    }

    private static JsonAnswer GetEndpoint(HttpRequest request, GatewayAdministration administration)
    {
        var query = RequestJson.FromQuery(request);
        var catalog = administration.Current();
        return (query.String("endpoint_id"), query.String("name")) switch
        {
            ({ Length: > 0 } id, null or "") => Answer("endpoint", catalog.RequireEndpoint(id), catalog, Write),
            (null or "", { Length: > 0 } name) => Answer("endpoint", catalog.Endpoints.FirstOrDefault(endpoint => endpoint.Name == name) ?? throw GatewayCatalog.NoEndpoint("name", name), catalog, Write),
            _ => throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Exactly one of endpoint_id or name must be provided"),
        };
    }

    private static async Task<IResult> UpdateEndpointAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var actor = await caller.ActorAsync().ConfigureAwait(false);
        if (ExperimentId(body) is { } experimentId)
        {
            await administration.RequireExperimentAsync(experimentId, cancellationToken).ConfigureAwait(false);
        }

        return await UpdateAsync(actor, administration, body.Required("endpoint_id"), old => Read(body, old, actor, timeProvider) with { ExperimentId = ExperimentId(body) ?? old.ExperimentId }, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<IResult> DeleteEndpointAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await administration.DeleteEndpointAsync(await caller.ActorAsync().ConfigureAwait(false), body.Required("endpoint_id"), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static JsonAnswer ListEndpoints(HttpRequest request, GatewayAdministration administration)
    {
        var (provider, secretId) = Filter(request);
        var catalog = administration.Current();
        var endpoints = catalog.Endpoints
            .Where(endpoint => (provider is null && secretId is null) || endpoint.Models.Any(mapping => catalog.Model(mapping.ModelId) is { } model && Fits(model, provider, secretId))).ToList();
        return new JsonAnswer(writer => writer.WriteList("endpoints", endpoints, (w, endpoint) => Write(w, endpoint, catalog)));
    }

    private static async Task<IResult> AttachAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var actor = await caller.ActorAsync().ConfigureAwait(false);
        var mapping = ReadMapping(body.Object("model_config") ?? throw RequestJson.Missing("model_config"), actor, timeProvider);
        var endpoint = await administration.UpdateEndpointAsync(
            actor,
            body.Required("endpoint_id"),
            old => old.Models.Any(model => model.ModelId == mapping.ModelId)
                ? throw new MlflowException(ErrorCode.RESOURCE_ALREADY_EXISTS, $"Model definition '{mapping.ModelId}' is already attached to endpoint '{old.Name}'")
                : old with { Models = [.. old.Models, mapping] },
            cancellationToken).ConfigureAwait(false);
        var catalog = administration.Current();
        return new JsonAnswer(writer =>
        {
            writer.WritePropertyName("mapping");
            Write(writer, endpoint.Id, mapping, catalog);
        });
    }

    private static async Task<IResult> DetachAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var modelId = body.Required("model_definition_id");
        await administration.UpdateEndpointAsync(
            await caller.ActorAsync().ConfigureAwait(false),
            body.Required("endpoint_id"),
            old => old.Models.Any(model => model.ModelId == modelId)
                ? old with { Models = [.. old.Models.Where(model => model.ModelId != modelId)] }
                : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Model definition '{modelId}' is not attached to endpoint '{old.Id}'"),
            cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> BindAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var binding = await administration.AddBindingAsync(
            await caller.ActorAsync().ConfigureAwait(false), body.Required("endpoint_id"), body.Required("resource_type"), body.Required("resource_id"), cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WritePropertyName("binding");
            Write(writer, binding);
        });
    }

    private static async Task<IResult> UnbindAsync(HttpRequest request, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await administration.RemoveBindingAsync(body.Required("endpoint_id"), body.Required("resource_type"), body.Required("resource_id"), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static JsonAnswer ListBindings(HttpRequest request, GatewayAdministration administration)
    {
        var query = RequestJson.FromQuery(request);
        var bindings = administration.Current().Bindings
            .Where(binding => Is("endpoint_id", binding.EndpointId) && Is("resource_type", binding.ResourceType) && Is("resource_id", binding.ResourceId)).ToList();
        return new JsonAnswer(writer => writer.WriteList("bindings", bindings, Write));

        bool Is(string name, string value) => query.String(name) is not { Length: > 0 } asked || asked == value;
    }

    private static async Task<IResult> SetTagAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        const int MaxKey = 250;
        const int MaxValue = 5000;
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var (key, value) = (body.Required("key"), body.String("value") ?? "");
        if (key.Length > MaxKey || value.Length > MaxValue)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"A tag's key has at most {MaxKey} characters and its value {MaxValue}.");
        }

        await administration.UpdateEndpointAsync(
            await caller.ActorAsync().ConfigureAwait(false), body.Required("endpoint_id"), old => old with { Tags = new Dictionary<string, string>(old.Tags) { [key] = value } }, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> DeleteTagAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var key = body.Required("key");
        await administration.UpdateEndpointAsync(
            await caller.ActorAsync().ConfigureAwait(false), body.Required("endpoint_id"), old => old with { Tags = old.Tags.Where(tag => tag.Key != key).ToDictionary() }, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> CreateBudgetAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        return Answer(await administration.PutBudgetAsync(await caller.ActorAsync().ConfigureAwait(false), null, _ => Read(body, null), cancellationToken).ConfigureAwait(false));
    }

    private static JsonAnswer GetBudget(HttpRequest request, GatewayAdministration administration) =>
        Answer(administration.Current().RequireBudget(RequestJson.FromQuery(request).Required("budget_policy_id")));

    private static async Task<IResult> UpdateBudgetAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        return Answer(await administration.PutBudgetAsync(await caller.ActorAsync().ConfigureAwait(false), body.Required("budget_policy_id"), old => Read(body, old), cancellationToken).ConfigureAwait(false));
    }

    private static async Task<IResult> DeleteBudgetAsync(HttpRequest request, CurrentCaller caller, GatewayAdministration administration, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await administration.DeleteBudgetAsync(await caller.ActorAsync().ConfigureAwait(false), body.Required("budget_policy_id"), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static JsonAnswer ListBudgets(GatewayAdministration administration)
    {
        var budgets = administration.Current().Budgets;
        return new JsonAnswer(writer => writer.WriteList("budget_policies", budgets, Write));
    }

    private static JsonAnswer ListWindows(GatewayAdministration administration, BudgetBook book, TimeProvider timeProvider)
    {
        var now = timeProvider.GetUtcNow();
        var windows = administration.Current().Budgets.Select(budget => (budget, window: budget.Window(now))).Select(pair => (pair.budget, pair.window, spend: book.Spent(pair.budget, pair.window.Start).Usd)).ToList();
        return new JsonAnswer(writer => writer.WriteList("windows", windows, static (w, item) =>
        {
            w.WriteStartObject();
            w.WriteString("budget_policy_id", item.budget.Id);
            w.WriteNumber("window_start_ms", item.window.Start.ToUnixTimeMilliseconds());
            w.WriteNumber("window_end_ms", item.window.End.ToUnixTimeMilliseconds());
            w.WriteNumber("current_spend", item.spend);
            w.WriteBoolean("exceeded", item.spend >= item.budget.Amount);
            w.WriteEndObject();
        }));
    }

    private static async Task<IResult> UpdateAsync(Actor actor, GatewayAdministration administration, string id, Func<GatewayEndpoint, GatewayEndpoint> update, CancellationToken cancellationToken)
    {
        var endpoint = await administration.UpdateEndpointAsync(actor, id, update, cancellationToken).ConfigureAwait(false);
        return Answer("endpoint", endpoint, administration.Current(), Write);
    }

    private static GatewayEndpoint Read(RequestJson body, GatewayEndpoint old, Actor actor, TimeProvider timeProvider)
    {
        if (Given(body, "routing_strategy") is { } strategy && strategy != Strategy)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid routing_strategy '{strategy}': it must be {Strategy}.");
        }

        var fallback = body.Object("fallback_config");
        if (fallback?.String("strategy") is { Length: > 0 } way and not "SEQUENTIAL")
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid fallback strategy '{way}': it must be SEQUENTIAL.");
        }

        var models = body.Objects("model_configs").Select(config => ReadMapping(config, actor, timeProvider)).ToList();
        return old with
        {
            Name = Given(body, "name") ?? old.Name,
            Models = models.Count > 0 ? models : old.Models,
            MaxAttempts = fallback is { } given ? Small(given.Int64("max_attempts"), "max_attempts") : old.MaxAttempts,
            Retries = Small(body.Int64("retries"), "retries") ?? old.Retries,
            UsageTracking = body.Boolean("usage_tracking") ?? old.UsageTracking,
            RecordContent = body.Boolean("record_content") ?? old.RecordContent,
            Aliases = body.Element("aliases") is null ? old.Aliases : body.Strings("aliases"),
            RateLimits = body.Element("rate_limits") is null ? old.RateLimits
                : [.. body.Objects("rate_limits").Select(limit => RateLimit.Of(limit.Int64("calls"), limit.String("key") ?? "endpoint", limit.String("renewal_period") ?? "minute"))],
        };
    }

    private static ModelMapping ReadMapping(RequestJson config, Actor actor, TimeProvider timeProvider)
    {
        var linkage = config.String("linkage_type") is { Length: > 0 } given ? given : "PRIMARY";
        return linkage is "PRIMARY" or "FALLBACK"
            ? new ModelMapping(
                "m-" + Guid.NewGuid().ToString("n"),
                config.Required("model_definition_id"),
                config.Double("weight") ?? 1,
                linkage == "FALLBACK",
                Small(config.Int64("fallback_order"), "fallback_order") ?? 0,
                timeProvider.GetUtcNow().ToUnixTimeMilliseconds(),
                actor.Name)
            : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid linkage_type '{linkage}': it must be PRIMARY or FALLBACK.");
    }

    private static GatewayBudget Read(RequestJson body, GatewayBudget? old)
    {
        if (Given(body, "budget_unit") is { } unit and not "USD")
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid budget_unit '{unit}': it must be USD.");
        }

        var duration = body.Object("duration");
        var amount = body.Double("budget_amount");
        if (amount is < 0 or > 1e12)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Invalid budget_amount: it must be more than 0 and at most 1000000000 US dollars.");
        }

        var action = Given(body, "budget_action") ?? (old is { Rejects: false } ? "ALERT" : "REJECT");
        return (old ?? new GatewayBudget { Amount = 0, DurationUnit = "", DurationValue = 0, Scope = "GLOBAL", Rejects = true }) with
        {
            Amount = amount is { } given ? (decimal)given : old?.Amount ?? throw RequestJson.Missing("budget_amount"),
            DurationUnit = duration?.String("unit") ?? old?.DurationUnit ?? throw RequestJson.Missing(duration is null ? "duration" : "duration.unit"),
            DurationValue = Small(duration?.Int64("value"), "duration") ?? old?.DurationValue ?? 1,
            Scope = Given(body, "target_scope") ?? old?.Scope ?? "GLOBAL",
            Target = body.Element("target_value") is null ? old?.Target : Given(body, "target_value"),
            Rejects = action switch
            {
                "REJECT" => true,
                "ALERT" => false,
                _ => throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid budget_action '{action}': it must be REJECT or ALERT."),
            },
        };
    }

    private static int? Small(long? value, string name) => value is null or (>= 0 and <= 100_000)
        ? (int?)value
        : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, string.Create(CultureInfo.InvariantCulture, $"Invalid {name} {value}: it must be 0 to 100000."));

    private static string? Given(RequestJson body, string name) => body.String(name) is { Length: > 0 } text ? text : null;

    private static long? ExperimentId(RequestJson body) => Given(body, "experiment_id") is { } text ? ExperimentEndpoints.ParseId(text) : null;

    private static (string? Provider, string? SecretId) Filter(HttpRequest request)
    {
        var query = RequestJson.FromQuery(request);
        return (Given(query, "provider"), Given(query, "secret_id"));
    }

    private static bool Fits(GatewayModel model, string? provider, string? secretId) => (provider is null || model.Provider == provider) && (secretId is null || model.SecretId == secretId);

    private static JsonAnswer Answer<T>(string name, T item, GatewayCatalog catalog, Action<Utf8JsonWriter, T, GatewayCatalog> write) => new(writer =>
    {
        writer.WritePropertyName(name);
        write(writer, item, catalog);
    });

    private static JsonAnswer Answer(GatewayBudget budget) => new(writer =>
    {
        writer.WritePropertyName("budget_policy");
        Write(writer, budget);
    });

    private static void Write(Utf8JsonWriter writer, GatewayModel model, GatewayCatalog catalog)
    {
        var secret = catalog.Secrets.GetValueOrDefault(model.SecretId ?? "");
        writer.WriteStartObject();
        writer.WriteString("model_definition_id", model.Id);
        writer.WriteString("name", model.Name);
        writer.WriteText("secret_id", secret?.Id);
        writer.WriteText("secret_name", secret?.Name);
        writer.WriteString("provider", model.Provider);
        writer.WriteString("model_name", model.ModelName);
        WriteTimes(writer, model.CreatedMs, model.UpdatedMs, model.CreatedBy, model.UpdatedBy);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, GatewayEndpoint endpoint, GatewayCatalog catalog)
    {
        writer.WriteStartObject();
        writer.WriteString("endpoint_id", endpoint.Id);
        writer.WriteString("name", endpoint.Name);
        writer.WriteList("aliases", endpoint.Aliases, static (w, alias) => w.WriteStringValue(alias));
        writer.WriteList("model_mappings", endpoint.Models, (w, mapping) => Write(w, endpoint.Id, mapping, catalog));
        writer.WritePairs("tags", [.. endpoint.Tags]);
        writer.WriteString("routing_strategy", Strategy);
        writer.WriteStartObject("fallback_config");
        writer.WriteString("strategy", "SEQUENTIAL");
        if (endpoint.MaxAttempts is { } most)
        {
            writer.WriteNumber("max_attempts", most);
        }

        writer.WriteEndObject();
        writer.WriteNumber("retries", endpoint.Retries);
        writer.WriteString("experiment_id", endpoint.ExperimentId.ToString(CultureInfo.InvariantCulture));
        writer.WriteBoolean("usage_tracking", endpoint.UsageTracking);
        writer.WriteBoolean("record_content", endpoint.RecordContent);
        writer.WriteList("rate_limits", endpoint.RateLimits, static (w, limit) =>
        {
            w.WriteStartObject();
            w.WriteNumber("calls", limit.Calls);
            w.WriteString("key", limit.Key);
            w.WriteString("renewal_period", limit.RenewalPeriod);
            w.WriteEndObject();
        });
        WriteTimes(writer, endpoint.CreatedMs, endpoint.UpdatedMs, endpoint.CreatedBy, endpoint.UpdatedBy);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, string endpointId, ModelMapping mapping, GatewayCatalog catalog)
    {
        writer.WriteStartObject();
        writer.WriteString("mapping_id", mapping.MappingId);
        writer.WriteString("endpoint_id", endpointId);
        writer.WriteString("model_definition_id", mapping.ModelId);
        if (catalog.Model(mapping.ModelId) is { } model)
        {
            writer.WritePropertyName("model_definition");
            Write(writer, model, catalog);
        }

        writer.WriteNumber("weight", mapping.Weight);
        writer.WriteString("linkage_type", mapping.IsFallback ? "FALLBACK" : "PRIMARY");
        writer.WriteNumber("fallback_order", mapping.FallbackOrder);
        writer.WriteNumber("created_at", mapping.CreatedMs);
        writer.WriteText("created_by", mapping.CreatedBy);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, GatewayBinding binding)
    {
        writer.WriteStartObject();
        writer.WriteString("endpoint_id", binding.EndpointId);
        writer.WriteString("resource_type", binding.ResourceType);
        writer.WriteString("resource_id", binding.ResourceId);
        WriteTimes(writer, binding.CreatedMs, binding.CreatedMs, binding.CreatedBy, binding.CreatedBy);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, GatewayBudget budget)
    {
        writer.WriteStartObject();
        writer.WriteString("budget_policy_id", budget.Id);
        writer.WriteString("budget_unit", "USD");
        writer.WriteNumber("budget_amount", budget.Amount);
        writer.WriteStartObject("duration");
        writer.WriteString("unit", budget.DurationUnit);
        writer.WriteNumber("value", budget.DurationValue);
        writer.WriteEndObject();
        writer.WriteString("target_scope", budget.Scope);
        writer.WriteText("target_value", budget.Target);
        writer.WriteString("budget_action", budget.Rejects ? "REJECT" : "ALERT");
        WriteTimes(writer, budget.CreatedMs, budget.UpdatedMs, budget.CreatedBy, budget.UpdatedBy);
        writer.WriteEndObject();
    }

    private static void WriteTimes(Utf8JsonWriter writer, long createdMs, long updatedMs, string? createdBy, string? updatedBy)
    {
        writer.WriteNumber("created_at", createdMs);
        writer.WriteNumber("last_updated_at", updatedMs);
        writer.WriteText("created_by", createdBy);
        writer.WriteText("last_updated_by", updatedBy);
    }
}
