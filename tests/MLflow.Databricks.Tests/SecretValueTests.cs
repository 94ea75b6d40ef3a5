using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>How the value of a secret shows where it is printed.</summary>
public sealed partial class SecretValueTests
{
    private const string Mark = "[REDACTED]";

    [Fact]
    public void Print_AnyWay_ShowsTheMark()
    {
        var secret = Secret("print-me-not");
        Assert.Equal(Mark, secret.ToString());
        Assert.Equal("key: " + Mark, $"key: {secret}");
        Assert.Equal(Mark, string.Format(System.Globalization.CultureInfo.InvariantCulture, "{0,3}", secret));
        Assert.Equal("\"" + Mark + "\"", JsonSerializer.Serialize(secret));
        Assert.Equal("{\"Secret\":\"" + Mark + "\"}", JsonSerializer.Serialize(new Holder(secret), SourceGenerated.Default.Holder));
        Assert.Equal(Mark, typeof(DatabricksSecret).GetCustomAttribute<DebuggerDisplayAttribute>()!.Value);
        Assert.All(
            typeof(DatabricksSecret).GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Where(field => !field.Name.Contains("BackingField", StringComparison.Ordinal)),
            field => Assert.Equal(DebuggerBrowsableState.Never, field.GetCustomAttribute<DebuggerBrowsableAttribute>()!.State));
        Assert.DoesNotContain(typeof(DatabricksSecret).GetProperties(), property => property.Name is not ("Scope" or "Key"));
        Assert.Equal(Mark, Assert.Single(typeof(DatabricksSecret).GetFields(BindingFlags.Instance | BindingFlags.NonPublic), field => field.FieldType == typeof(KnownSecret)).GetValue(secret)!.ToString());

        var log = new RecordingLog();
#pragma warning disable CA1848, CA2254 // As programs log.
        log.CreateLogger("x").LogWarning("The key is {Key}", secret);
#pragma warning restore CA1848, CA2254
        Assert.Contains("The key is " + Mark, string.Join('\n', log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FromJson_IsRefused() =>
        Assert.Contains("GetAsync", Assert.Throws<NotSupportedException>(() => JsonSerializer.Deserialize<DatabricksSecret>("\"x\"")).Message, StringComparison.Ordinal);

    [Fact]
    public void ToApiKeyCredential_ValueStoredByAShell_HasNoLineFeed()
    {
        Secret("a-key-of-a-model\n").ToApiKeyCredential().Deconstruct(out var key);
        Assert.Equal("a-key-of-a-model", key);
        Assert.Throws<FormatException>(() => Secret(" \n").ToApiKeyCredential());
    }

    private static DatabricksSecret Secret(string value) => new("s", "k", KnownSecrets.Add(System.Text.Encoding.UTF8.GetBytes(value)));

    internal sealed record Holder(DatabricksSecret Secret);

    [JsonSerializable(typeof(Holder))]
    internal sealed partial class SourceGenerated : JsonSerializerContext;
}
