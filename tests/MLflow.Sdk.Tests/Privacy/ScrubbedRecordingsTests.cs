using System.Text;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Tests.Privacy;

/// <summary>Real requests and answers are left alone by the scrubber, but for those that have credentials in them.</summary>
public sealed class ScrubbedRecordingsTests
{
    /// <summary>What stands in the recordings that change: passwords that a tool is given, signatures of URLs, tokens of sessions, a key in an error's text.</summary>
    private static readonly string[] Secrets = ["mellon", "radiance", "sig=xxx", "_token_123", "sk-abcdefghijklmnop123", "ice-pwd:"];

    [Fact]
    public void Scrub_Recordings_ChangesNoneWithoutASecret()
    {
        var recordings = Recording.LoadAll();
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        var changed = new List<Recording>();
        foreach (var recording in recordings!)
        {
            if (IsChanged(recording.RequestBody ?? []) | IsChanged(recording.ResponseBody))
            {
                changed.Add(recording);
            }
        }

        Assert.All(changed, recording => Assert.Contains(Secrets, secret => Text(recording).Contains(secret, StringComparison.Ordinal)));
        Assert.Equal(23, changed.Count);
        Assert.True(recordings.Count > 2000);
    }

    private static string Text(Recording recording) => Encoding.UTF8.GetString(recording.RequestBody ?? []) + Encoding.UTF8.GetString(recording.ResponseBody);

    private static bool IsChanged(byte[] body)
    {
        var value = JsonText.IsJson(body) ? AttributeValue.FromJson(body) : AttributeValue.FromString(Encoding.UTF8.GetString(body));
        return new ValueRedactor(RedactionRules.Of(new PrivacyOptions()), e => Assert.Fail($"{e}")).Redact("body", ref value);
    }
}
