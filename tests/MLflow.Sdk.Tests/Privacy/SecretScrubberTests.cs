using System.Text;
using System.Text.Json;
using Xunit;

namespace MLflow.Tests.Privacy;

/// <summary>Which texts are secrets to the scrubber, and which are not.</summary>
public sealed class SecretScrubberTests
{
    public static TheoryData<string> Kinds => [.. LeakCorpus.All.Select(entry => entry.Kind)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Scrub_Secret_IsTakenOut(string kind)
    {
        var (_, text, secret) = LeakCorpus.All.Single(entry => entry.Kind == kind);
        foreach (var around in new[] { "{0}", "a sentence with {0} in it", "line\n{0}\nline", "({0})", "x=\"{0}\"", "東京 {0} 東京" })
        {
            var whole = around.Replace("{0}", text, StringComparison.Ordinal);

            var scrubbed = SecretScrubber.Scrub(whole);

            Assert.NotNull(scrubbed);
            Assert.DoesNotContain(secret, scrubbed, StringComparison.Ordinal);
            Assert.Contains(SecretScrubber.Mark, scrubbed, StringComparison.Ordinal);
            Assert.Null(SecretScrubber.Scrub(scrubbed));
            Assert.True(SecretScrubber.Suspects(Encoding.UTF8.GetBytes(whole)));
            Assert.True(SecretScrubber.Suspects(JsonSerializer.SerializeToUtf8Bytes(new { text = whole })));

            // As other writers of JSON escape, and as whoever hides something does.
            foreach (var written in new[]
            {
                JsonSerializer.Serialize(whole).Replace("/", "\\/", StringComparison.Ordinal),
                JsonSerializer.Serialize(whole.Replace(' ', '\t')),
                '"' + string.Concat(whole.Select(letter => $"\\u{(int)letter:x4}")) + '"',
            })
            {
                var value = AttributeValue.FromJson(Encoding.UTF8.GetBytes(written));
                var isChanged = new ValueRedactor(RedactionRules.Of(new PrivacyOptions()), e => Assert.Fail($"{e}")).Redact("x", ref value);

                Assert.True(isChanged || whole.Contains(' ', StringComparison.Ordinal), $"{kind}: {written}");
                Assert.True(!isChanged || SecretScrubber.Suspects(Encoding.UTF8.GetBytes(written)), $"{kind}: {written}");
            }
        }
    }

    [Theory]
    [InlineData("Explain risk-management-framework-2024 and task-based-learning-for-all-1")]
    [InlineData("class=\"sk-fading-circle sk-folding-cube-container\"")]
    [InlineData("What is the password policy? Password: must contain eight characters.")]
    [InlineData("The bearer of this letter; bearer authentication; a bearer token is sent")]
    [InlineData("Set your api_key in the environment: api_key = os.environ[\"OPENAI_API_KEY\"]")]
    [InlineData("api_key=\"YOUR_API_KEY_GOES_HERE\"")]
    [InlineData("See https://example.com/a?page=2&code=US#section and https://medium.com/@user/post")]
    [InlineData("{\"type\":\"object\",\"properties\":{\"password\":{\"type\":\"string\"}}}")]
    [InlineData("{\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":10,\"max_tokens\":5}}")]
    [InlineData("{\"token\":\"Paris\",\"logprob\":-0.1,\"bytes\":[80,97]}")]
    [InlineData("Asia, Russia, secretary, keyboard, monkey, cookies, the author and the secret of success")]
    [InlineData("{\"id\":\"chatcmpl-9aB3dE5gH7jK9mN1pQ2sT4vW6yZ8b\",\"system_fingerprint\":\"fp_44709d6fcb\"}")]
    [InlineData("def login(user, password=None): return get_password(user)")]
    [InlineData("authorization: required for administrators of the site")]
    public void Scrub_OrdinaryText_StaysAsItIs(string text) => Assert.Null(SecretScrubber.Scrub(text));

    [Fact]
    public void Suspects_BytesBeforeASecretAreLetters_SeesItNevertheless()
    {
        // In protobuf a length stands before a text, which may be a letter's byte.
        foreach (var (kind, text, _) in LeakCorpus.All)
        {
            for (var before = 0; before < 256; before++)
            {
                byte[] bytes = [0x0A, 5, .. "mlflow"u8, 0x12, (byte)before, .. Encoding.UTF8.GetBytes(text), 0x4A, 0x30, .. "next"u8];

                Assert.True(SecretScrubber.Suspects(bytes), $"{kind} after byte {before}");
            }
        }
    }

    /// <summary>Whoever writes the text must not be able to keep the background busy, or to end the process.</summary>
    [Theory]
    [InlineData("-----BEGIN PRIVATE KEY-----")]
    [InlineData("Password=a")]
    [InlineData("authorization: x ")]
    [InlineData("eyJ")]
    [InlineData("sk-")]
    [InlineData("https://")]
    [InlineData("https://a?key=b&")]
    [InlineData("bearer a")]
    [InlineData("api_key:")]
    [InlineData("\\u005cu005c")]
    [InlineData("u005c")]
    [InlineData("{\"a\":\"{\\\"")]
    public void Scrub_TextThatRepeatsABeginning_CostsNoMoreThanItsParts(string piece)
    {
        const int parts = 256;
        var part = string.Concat(Enumerable.Repeat(piece, (2 << 10) / piece.Length));
        var shortText = "\\" + part;
        var longText = "\\" + string.Concat(Enumerable.Repeat(part, parts));
        var shortBytes = Encoding.UTF8.GetBytes(shortText);
        var longBytes = Encoding.UTF8.GetBytes(longText);

        AssertLinear(() => SecretScrubber.Suspects(longBytes), () => SecretScrubber.Suspects(shortBytes), parts);
        AssertLinear(() => SecretScrubber.Scrub(longText), () => SecretScrubber.Scrub(shortText), parts);
    }

    /// <summary>
    /// A text is compared with as many bytes in short ones, one after the other on the same machine at the same time: where the work grows with the square of the length it
    /// takes hundreds of times as long. One round of several is enough, whatever else the machine does meanwhile.
    /// </summary>
    private static void AssertLinear(Action whole, Action part, int parts)
    {
        const int rounds = 8;
        const double most = 25;
        var least = double.MaxValue;
        for (var i = 0; i < rounds && least > most; i++)
        {
            var ofParts = Ticks(() =>
            {
                for (var j = 0; j < parts; j++)
                {
                    part();
                }
            });
            least = Math.Min(least, Ticks(whole) / (double)Math.Max(1, ofParts));
        }

        Assert.True(least <= most, $"{least:0} times as long as its {parts} parts");

        static long Ticks(Action action)
        {
            var start = System.Diagnostics.Stopwatch.GetTimestamp();
            action();
            return System.Diagnostics.Stopwatch.GetTimestamp() - start;
        }
    }

    [Fact]
    public void Suspects_NothingThere_AllocatesNothing()
    {
        var body = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"role\":\"user\",\"content\":\"What is the capital of France, and of the key cities?\"}", 50)));
        SecretScrubber.Suspects(body);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.False(SecretScrubber.Suspects(body));

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Next_AnyText_FindsWhatAPlainSearchFinds()
    {
        var random = new Random(7);
        var alphabet = "sk-_hpoeyJK:/\\u0xirwdPa29. "u8.ToArray();
        for (var round = 0; round < 2000; round++)
        {
            var text = new byte[random.Next(0, 200)];
            for (var i = 0; i < text.Length; i++)
            {
                text[i] = alphabet[random.Next(alphabet.Length)];
            }

            var expected = new List<int>();
            for (var i = 0; i + 3 <= text.Length; i++)
            {
                // Three bytes by themselves are too few for vectors.
                if (SecretSearch.Next(text.AsSpan(i, 3), 0) == 0)
                {
                    expected.Add(i);
                }
            }

            var found = new List<int>();
            for (var at = SecretSearch.Next(text, 0); at >= 0; at = SecretSearch.Next(text, at + 1))
            {
                found.Add(at);
            }

            Assert.Equal(expected, found);
        }
    }
}
