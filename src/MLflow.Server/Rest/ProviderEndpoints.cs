using System.Text.Json;
using MLflow.Server.Access.Http;
using MLflow.Server.Gateway;
using MLflow.Server.Pricing;

namespace MLflow.Server.Rest;

/// <summary><c>/api/3.0/mlflow/gateway/supported-…</c>, by which MLflow's pages offer providers and models, and tell what a secret of a provider consists of.</summary>
internal static class ProviderEndpoints
{
    private const string Root = "3.0/mlflow/gateway/";
    private const decimal Million = 1_000_000;

    public static void MapProviders(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Get, Root + "supported-providers", AccessPolicies.Administrator, ListProviders);
        routes.MapApi(HttpMethods.Get, Root + "supported-models", AccessPolicies.Administrator, ListModels);
        routes.MapApi(HttpMethods.Get, Root + "provider-config", AccessPolicies.Administrator, GetConfig);
    }

    private static JsonAnswer ListProviders() => new(writer => writer.WriteArray("providers", GatewayProvider.All, static (w, provider) => w.WriteStringValue(provider.Name)));

    /// <summary>The models that have a price: nothing else is known of models here.</summary>
    private static JsonAnswer ListModels(HttpRequest request, CurrentPrices prices, TimeProvider timeProvider)
    {
        var asked = RequestJson.FromQuery(request).String("provider");
        var now = timeProvider.GetUtcNow();

        // Of two tables that know a model, the first counts.
        var models = prices.Table.Models.Where(model => model.Name is not null && (string.IsNullOrEmpty(asked) || model.Provider == asked) && GatewayProvider.All.Any(provider => provider.Name == model.Provider))
            .DistinctBy(model => (model.Provider, model.Name)).OrderBy(model => model.Provider, StringComparer.Ordinal).ThenBy(model => model.Name, StringComparer.Ordinal).ToList();
        return new JsonAnswer(writer => writer.WriteArray("models", models, (w, model) =>
        {
            w.WriteStartObject();
            w.WriteString("model", model.Name);
            w.WriteString("provider", model.Provider);
            WritePrice(w, "input_cost_per_token", model.At("input", now));
            WritePrice(w, "output_cost_per_token", model.At("output", now));
            w.WriteEndObject();
        }));
    }

    private static JsonAnswer GetConfig(HttpRequest request)
    {
        var provider = GatewayProvider.Require(RequestJson.FromQuery(request).Required("provider"));
        return new JsonAnswer(writer =>
        {
            writer.WriteArray("auth_modes", [provider], static (w, provider) =>
            {
                w.WriteStartObject();
                w.WriteString("mode", Mode(provider));
                w.WriteString("display_name", "API key");
                w.WriteString("description", $"A key of {provider.DisplayName}.");
                w.WriteArray("secret_fields", [GatewayProvider.KeyName], static (w, name) => WriteField(w, name, "The key.", isRequired: true));
                w.WriteArray("config_fields", provider.ConfigFields, static (w, field) => WriteField(w, field.Name, field.Description, field.IsRequired));
                w.WriteEndObject();
            });
            writer.WriteString("default_mode", Mode(provider));
        });
    }

    // MLflow's name of it.
    private static string Mode(GatewayProvider provider) => provider == GatewayProvider.Databricks ? "pat_token" : "api_key";

    private static void WriteField(Utf8JsonWriter writer, string name, string description, bool isRequired)
    {
        writer.WriteStartObject();
        writer.WriteString("name", name);
        writer.WriteString("type", "string");
        writer.WriteString("description", description);
        writer.WriteBoolean("required", isRequired);
        writer.WriteEndObject();
    }

    private static void WritePrice(Utf8JsonWriter writer, string name, Price? price)
    {
        if (price is { Unit: PriceUnit.MillionTokens })
        {
            writer.WriteNumber(name, price.Usd / Million);
        }
    }
}
