using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Xunit;

namespace MLflow.Tests.Privacy;

/// <summary>Secrets that are known by their value: they look like nothing that the scrubber knows.</summary>
public sealed class KnownSecretTests : PrivacyTestBase
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Words, what JSON and URLs escape, several lines, another script, quotes and backslashes at the ends.</summary>
    public static TheoryData<string> Values =>
    [
        "correct-horse-battery-staple",
        "\"Tr0ub4dor\\&3\\\\x/'<+>'\"",
        "first line of the value\n\tsecond line of the value\nlast",
        "開けゴマ開けゴマ/開けゴマ😀開けゴマ",
        "a/b+c d%e=f&g?h#i\\nj\\u0041k",
    ];

    [Theory]
    [MemberData(nameof(Values))]
    public void Scrub_HoweverItIsWritten_IsTakenOut(string secret)
    {
        var known = KnownSecrets.Add(Encoding.UTF8.GetBytes(secret));
        foreach (var written in Writings(secret))
        {
            foreach (var around in new[] { "{0}", "it is {0}, is it not?", "\\n{0}\\n", "{{\"key\": \"{0}\"", "({0})" })
            {
                var text = around.Replace("{0}", written, StringComparison.Ordinal);

                var scrubbed = SecretScrubber.Scrub(text, onlyKnown: true);

                Assert.Equal(around.Replace("{0}", SecretScrubber.Mark, StringComparison.Ordinal), scrubbed);
                Assert.True(SecretScrubber.Suspects(Encoding.UTF8.GetBytes(text)), text);
            }
        }

        GC.KeepAlive(known);
    }

    [Fact]
    public void Scrub_Base64OfItAndMore_IsTakenOut()
    {
        const string secret = "tell-nobody-of-it";
        var known = KnownSecrets.Add(Encoding.UTF8.GetBytes(secret));
        foreach (var before in new[] { "", "a", "ab", "user:" })
        {
            foreach (var after in new[] { "", "b", "\n" })
            {
                var text = Convert.ToBase64String(Encoding.UTF8.GetBytes(before + secret + after));
                var scrubbed = SecretScrubber.Scrub($"Basic {text}", onlyKnown: true);
                Assert.Contains(SecretScrubber.Mark, scrubbed, StringComparison.Ordinal);

                // At the ends at most a character of six bits that are not its own.
                Assert.True(scrubbed!.Length < "Basic ".Length + SecretScrubber.Mark.Length + before.Length * 2 + 7, scrubbed);
            }
        }

        GC.KeepAlive(known);
    }

    [Theory]
    [InlineData("kw9z", "kw9z", true)]
    [InlineData("kw9z", "the kw9z.", true)]
    [InlineData("kw9z", "\\nkw9z\\n", true)]
    [InlineData("kw9z", "kw9zero", false)]
    [InlineData("kw9z", "akw9z", false)]
    [InlineData("k9z", "k9z", false)]
    [InlineData("line-feed-at-its-end-1\n", "x=line-feed-at-its-end-1;", true)]
    public void Scrub_ShortOrTrimmed_IsTakenOutWhereItIsMeant(string secret, string text, bool isFound)
    {
        var known = KnownSecrets.Add(Encoding.UTF8.GetBytes(secret));
        Assert.Equal(isFound, SecretScrubber.Scrub(text, onlyKnown: true) is not null);
        GC.KeepAlive(known);
    }

    [Theory]
    [InlineData("開けゴマ/開けゴマ😀")]
    [InlineData("京都")]
    [InlineData("a!b?c\"d")]
    [InlineData("\\é\\")]
    public void Suspects_NothingOfItIsAlwaysWrittenTheSame_OnlyWhereItStands(string secret)
    {
        var known = KnownSecrets.Add(Encoding.UTF8.GetBytes(secret));
        Assert.False(KnownSecrets.Suspects("""{"content":"Paris — 大阪 \n \u6771 100% a!b?"}"""u8));
        foreach (var written in Writings(secret))
        {
            // Beside the text may stand anything, such as its length.
            for (var beside = 0; beside <= byte.MaxValue; beside++)
            {
                Assert.True(KnownSecrets.Suspects([(byte)beside, .. Encoding.UTF8.GetBytes(written), (byte)beside]), $"{written} beside {beside}");
            }
        }

        GC.KeepAlive(known);
    }

    [Theory]
    [InlineData("xa-a-a- ", "xa-[REDACTED] ")]
    [InlineData("xa-a-", null)]
    public void Scrub_BeginsWithinAPartOfAWord_IsTakenOut(string text, string? expected)
    {
        var known = KnownSecrets.Add("a-a-"u8);
        Assert.Equal(expected, SecretScrubber.Scrub(text, onlyKnown: true));
        GC.KeepAlive(known);
    }

    [Fact]
    public void Scrub_OneLineOfIt_IsTakenOut()
    {
        var known = KnownSecrets.Add("-----BEGIN THING-----\nAbCdEfGhIjKlMnOpQrStUvWx\nyz"u8);
        Assert.Equal("x [REDACTED] y", SecretScrubber.Scrub("x AbCdEfGhIjKlMnOpQrStUvWx y", onlyKnown: true));
        GC.KeepAlive(known);
    }

    [Fact]
    public void Scrub_BytesThatAreNoText_DoesNotFail()
    {
        var known = KnownSecrets.Add([0xFF, 0xFE, 0x00, 0xC3, 0x28, 0x41, 0x5C, 0x80, 0x81, 0x82]);
        Assert.Null(SecretScrubber.Scrub("nothing \\ in here \uFFFD", onlyKnown: true));
        Assert.Contains(SecretScrubber.Mark, SecretScrubber.Scrub("in base64: " + Convert.ToBase64String(known.Value), onlyKnown: true), StringComparison.Ordinal);
    }

    [Fact]
    public void Scrub_TextOfBackslashes_TakesNoSquareOfItsLength()
    {
        // With the square of it this would not end.
        var known = KnownSecrets.Add("\\begin-with-a-slash\"and-more"u8);
        var text = new string('\\', 2 << 20) + "begin-with-a-slash" + new string('\\', 2 << 20);
        Assert.Null(SecretScrubber.Scrub(text, onlyKnown: true));
        GC.KeepAlive(known);
    }

    [Fact]
    public void Add_HeldByNobody_IsForgotten()
    {
        const string text = "there was never-handed-out-4711 in it";
        AddAndForget("never-handed-out-4711", isKept: false);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Null(SecretScrubber.Scrub(text, onlyKnown: true));
    }

    [Fact]
    public void Keep_HeldByNobody_StaysKnown()
    {
        AddAndForget("was-handed-out-once-4712", isKept: true);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal("it is [REDACTED].", SecretScrubber.Scrub("it is was-handed-out-once-4712.", onlyKnown: true));
    }

    [Fact]
    public void Add_SameValueAgain_IsTheSame()
    {
        var known = KnownSecrets.Add("the-same-value-4713"u8);
        Assert.Same(known, KnownSecrets.Add("the-same-value-4713"u8));
        Assert.Equal(SecretScrubber.Mark, $"{known}");
    }

    [Fact]
    public async Task Number_ThatIsASecret_IsTakenOut()
    {
        KnownSecrets.Keep(KnownSecrets.Add("73519462"u8));
        var trace = await TraceAsync(_ => { }, span => span.SetInputs(new { pin = 73519462, other = 73519463 }));
        Assert.DoesNotContain("73519462", Everything(trace), StringComparison.Ordinal);
        Assert.Contains("73519463", Everything(trace), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Word_ThatIsASecret_IsTakenOutOfValuesAndRenamesNothing()
    {
        KnownSecrets.Keep(KnownSecrets.Add("zebra"u8));
        var trace = await TraceAsync(_ => { }, span =>
        {
            span.SetInputs(new { zebra = "a zebra, zebras" });
            span.SetAttribute("zebra", 1);
        });
        Assert.Equal("{\"zebra\":\"a [REDACTED], zebras\"}", Text(trace.Spans[0].Inputs));
        Assert.Contains("zebra", trace.Spans[0].Attributes.Keys);
    }

    [Fact]
    public async Task Rules_OfTheProgram_DoNotReplaceIt()
    {
        KnownSecrets.Keep(KnownSecrets.Add("plain-words-of-mine"u8));
        var trace = await TraceAsync(
            privacy =>
            {
                privacy.RedactedKeys.Add("other");
                privacy.Redactor = value => value.Text + " plain-words-of-mine";
            },
            span => span.SetInputs(new { said = "plain-words-of-mine" }));
        Assert.DoesNotContain("plain-words-of-mine", Everything(trace), StringComparison.Ordinal);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddAndForget(string secret, bool isKept)
    {
        var known = KnownSecrets.Add(Encoding.UTF8.GetBytes(secret));
        if (isKept)
        {
            KnownSecrets.Keep(known);
        }
    }

    private static IEnumerable<string> Writings(string secret)
    {
        yield return secret;
        yield return Uri.EscapeDataString(secret);
        yield return System.Net.WebUtility.UrlEncode(secret);
        foreach (var options in new[] { JsonSerializerOptions.Default, Relaxed })
        {
            var text = secret;
            for (var layer = 0; layer < 4; layer++)
            {
                text = JsonSerializer.Serialize(text, options)[1..^1];
                yield return text;
                yield return text.Replace("/", "\\/", StringComparison.Ordinal);
            }
        }
    }
}
