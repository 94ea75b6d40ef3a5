using System.Globalization;
using System.Text;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>More secrets than are remembered. They are the whole process's, so these tests run alone.</summary>
[Collection(nameof(EnvironmentTests))]
public sealed class KnownSecretLimitTests
{
    [Fact]
    public void ManySecrets_NeverHandedOut_DoNotMakeOneForgottenThatWas()
    {
        var handedOut = Add("handed-out-value");
        KnownSecrets.Keep(handedOut);
        var late = Add("handed-out-much-later");
        List<KnownSecret> held = [late];
        for (var i = 0; i < KnownSecrets.MaxSecrets; i++)
        {
            held.Add(Add(string.Create(CultureInfo.InvariantCulture, $"never-shown-{i:D6}-{Guid.NewGuid():N}")));
        }

        Assert.Equal("it is [REDACTED]", SecretScrubber.Scrub("it is handed-out-value"));

        // Nobody can have had its text before.
        KnownSecrets.Keep(late);
        Assert.Equal("it is [REDACTED]", SecretScrubber.Scrub("it is handed-out-much-later"));
        GC.KeepAlive(held);
    }

    private static KnownSecret Add(string value) => KnownSecrets.Add(Encoding.UTF8.GetBytes(value));
}
