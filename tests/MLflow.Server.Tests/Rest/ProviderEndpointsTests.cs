using System.Text.Json;
using Xunit;

namespace MLflow.Server.Tests.Rest;

/// <summary>What MLflow's pages ask before a secret or a model is made.</summary>
public sealed class ProviderEndpointsTests(SomeServer server) : IClassFixture<SomeServer>
{
    private const string Gateway = "/ajax-api/3.0/mlflow/gateway/";

    [Fact]
    public async Task Models_OfAProvider_AreThoseWithAPrice()
    {
        var (status, answer) = await server.GetAsync(Gateway + "supported-models?provider=openai");

        Assert.Equal(200, status);
        Assert.Empty(OpenApiContract.CheckAnswer("GET", Gateway.Replace("ajax-api", "api", StringComparison.Ordinal) + "supported-models", status, answer));
        var models = answer.GetProperty("models").EnumerateArray().ToList();
        var mini = models.Single(model => model.GetProperty("model").GetString() == "gpt-4o-mini");
        Assert.Equal(("openai", 0.00000015m, 0.0000006m), (mini.GetProperty("provider").GetString(), mini.GetProperty("input_cost_per_token").GetDecimal(), mini.GetProperty("output_cost_per_token").GetDecimal()));

        // A name with an optional date is there without it; expressions for models that users made are not.
        Assert.Contains(models, model => model.GetProperty("model").GetString() == "gpt-5");
        Assert.All(models, model => Assert.Matches("^[a-zA-Z0-9._:/@-]+$", model.GetProperty("model").GetString()!));
        Assert.Equal(models.Count, models.Select(model => model.GetProperty("model").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task Models_OfAll_AreOfProvidersThatSecretsCanBeOf()
    {
        var known = (await server.GetAsync(Gateway + "supported-providers")).Body.GetProperty("providers").EnumerateArray().Select(provider => provider.GetString()).ToList();

        var models = (await server.GetAsync(Gateway + "supported-models")).Body.GetProperty("models").EnumerateArray().Select(model => model.GetProperty("provider").GetString()).Distinct();

        Assert.Empty(models.Except(known));
    }

    [Theory]
    [InlineData("openai", "api_key", "api_key!,api_base")]
    [InlineData("azure", "api_key", "api_key!,api_base!,api_version")]
    [InlineData("databricks", "pat_token", "api_key!,api_base!")]
    [InlineData("custom", "api_key", "api_key!,api_base!")]
    public async Task Config_OfAProvider_NamesWhatItsSecretConsistsOf(string provider, string mode, string fields)
    {
        var (status, answer) = await server.GetAsync(Gateway + "provider-config?provider=" + provider);

        Assert.Equal(200, status);
        Assert.Empty(OpenApiContract.CheckAnswer("GET", Gateway.Replace("ajax-api", "api", StringComparison.Ordinal) + "provider-config", status, answer));
        var only = Assert.Single(answer.GetProperty("auth_modes").EnumerateArray());
        Assert.Equal((mode, mode), (answer.GetProperty("default_mode").GetString(), only.GetProperty("mode").GetString()));
        Assert.Equal(fields, string.Join(',', only.GetProperty("secret_fields").EnumerateArray().Concat(only.GetProperty("config_fields").EnumerateArray()).Select(Field)));

        static string Field(JsonElement field) => field.GetProperty("name").GetString() + (field.GetProperty("required").GetBoolean() ? "!" : "");
    }

    [Theory]
    [InlineData("provider-config", "provider")]
    [InlineData("provider-config?provider=cohere", "Provider 'cohere' is not known")]
    public async Task Config_OfNoProvider_SaysWhichThereAre(string path, string message)
    {
        var (status, answer) = await server.GetAsync(Gateway + path);

        Assert.Equal(400, status);
        Assert.Contains(message, answer.GetProperty("message").GetString(), StringComparison.Ordinal);
    }
}
