using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>Secrets as settings.</summary>
public sealed class SecretConfigurationTests : WorkspaceTestBase
{
    [Fact]
    public void Build_WholeScope_HasEachUnderItsName()
    {
        Workspace.Secrets.Add("app", "OpenAI--ApiKey", "key-one");
        Workspace.Secrets.Add("app", "OpenAI--Models--10", "model-ten");
        Workspace.Secrets.Add("app", "OpenAI--Models--9", "model-nine");
        Workspace.Secrets.Add("app", "plain", "plain-value-1");
        Workspace.Secrets.Add("other", "plain", "not this");

        var configuration = Build("app");

        Assert.Equal("key-one", configuration["openai:apikey"]);
        Assert.Equal("plain-value-1", configuration["plain"]);
        Assert.Equal(["model-nine", "model-ten"], configuration.GetSection("OpenAI:Models").GetChildren().Select(child => child.Value));
        Assert.Equal(["OpenAI", "plain"], configuration.GetChildren().Select(child => child.Key));
    }

    [Fact]
    public void Build_ChosenKeys_AreNamedAndNothingIsListed()
    {
        Workspace.Secrets.Add("app", "api-key", "key-two");
        Workspace.Secrets.Add("app", "other", "x");

        var configuration = Build("app", options =>
        {
            options.Keys["api-key"] = "ApiKey";
            options.Section = "OpenAI";
        });

        Assert.Equal("key-two", configuration["OpenAI:ApiKey"]);
        Assert.Null(configuration["other"]);
        Assert.Equal(["/api/2.0/secrets/get"], Workspace.Requests.Select(request => request.Path));
        Assert.Equal("Databricks secrets of scope 'app'", configuration.Providers.Single().ToString());
    }

    [Fact]
    public void Build_SettingThatIsThere_IsCovered()
    {
        Workspace.Secrets.Add("app", "Name", "covered-1");
        var builder = new ConfigurationBuilder().AddInMemoryCollection([new("Name", "open"), new("More", "1")]);
        Add(builder, "app");
        var configuration = builder.Build();
        Assert.Equal(("covered-1", "1"), (configuration["Name"], configuration["More"]));
        configuration["Name"] = "set";
        Assert.Equal("set", configuration["name"]);
    }

    [Fact]
    public void Build_Missing_FailsUnlessOptional()
    {
        var e = Assert.Throws<MlflowException>(() => Build("nothing"));
        Assert.Equal(MlflowErrorCode.ResourceDoesNotExist, e.ErrorCode);
        Assert.Empty(Build("nothing", options => options.Optional = true).GetChildren());

        Workspace.Secrets.Add("app", "there", "1");
        var configuration = Build("app", options =>
        {
            options.Optional = true;
            options.Keys["there"] = "There";
            options.Keys["away"] = "Away";
        });
        Assert.Equal("1", configuration["There"]);
        Assert.Throws<ArgumentException>(() => new ConfigurationBuilder().AddDatabricksSecrets("no scope"));
    }

    [Fact]
    public void Build_SecretThatIsNoText_IsLeftOutUnlessItIsNamed()
    {
        Workspace.Secrets.Add("app", "keystore", [0xFF, 0xFE, 0]);
        Workspace.Secrets.Add("app", "there", "value-beside-it");

        var configuration = Build("app");
        Assert.Equal(("value-beside-it", null), (configuration["there"], configuration["keystore"]));

        var e = Assert.Throws<FormatException>(() => Build("app", options => options.Keys["keystore"] = "Store"));
        Assert.Contains("'keystore' of scope 'app' is no UTF-8 text", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reload_RotatedSecret_IsNewAndTold()
    {
        Workspace.Secrets.Add("app", "key", "old-value-of-it");
        var configuration = Build("app");
        var told = 0;
        using var registration = ChangeToken.OnChange(configuration.GetReloadToken, () => told++);

        Workspace.Secrets.Add("app", "key", "new-value-of-it");
        configuration.Reload();

        Assert.Equal("new-value-of-it", configuration["key"]);
        Assert.True(told > 0);
        Assert.Equal("[REDACTED] or [REDACTED]", SecretScrubber.Scrub("old-value-of-it or new-value-of-it"));
    }

    private IConfigurationRoot Build(string scope, Action<DatabricksSecretsConfigurationOptions>? configure = null) => Add(new ConfigurationBuilder(), scope, configure).Build();

    private IConfigurationBuilder Add(IConfigurationBuilder builder, string scope, Action<DatabricksSecretsConfigurationOptions>? configure = null) => builder.AddDatabricksSecrets(scope, options =>
    {
        options.Databricks.Host = Workspace.Host;
        options.Databricks.Token = Workspace.Tokens.AddPersonal();
        configure?.Invoke(options);
    });
}
