using System.Text;
using System.Text.Json;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Tests.Privacy;

/// <summary>What a program's own rules take out of a trace.</summary>
public sealed class RedactionTests : PrivacyTestBase
{
    [Fact]
    public async Task Keys_InAnyCaseAndDepth_AreTakenOut()
    {
        var trace = await TraceAsync(
            privacy =>
            {
                privacy.RedactedKeys.Add("SSN");
                privacy.RedactedKeys.Add("address");
            },
            span =>
            {
                span.SetInputs(new
                {
                    customers = new[] { new { ssn = "078-05-1120", name = "Ann", Address = new { street = "Elm Street 5", zip = 12345 } } },
                    arguments = """{"SSN":"219-09-9999","city":"Paris","inner":"{\"ssn\":457555462}"}""",
                    cut = """{"city":"Paris","ssn":"321-65-43""",
                });
                span.SetAttribute("ssn", "987-65-4320");
                span.SetAttribute("count", 3);
            });

        Assert.Equal(
            """{"customers":[{"ssn":"[REDACTED]","name":"Ann","Address":"[REDACTED]"}],"arguments":"{\"SSN\":\"[REDACTED]\",\"city\":\"Paris\",\"inner\":\"{\\\"ssn\\\":\\\"[REDACTED]\\\"}\"}","cut":"[REDACTED]"}""",
            Text(trace.Root!.Inputs));
        Assert.Equal("[REDACTED]", Text(trace.Root.Attributes["ssn"]));
        Assert.Equal("3", Text(trace.Root.Attributes["count"]));
    }

    [Fact]
    public async Task Key_InJsonWithinJsonThatWasCut_IsNotLeftStanding()
    {
        var trace = await TraceAsync(
            privacy => privacy.RedactedKeys.Add("ssn"),
            span =>
            {
                span.SetInputs("""{"messages":[{"tool_calls":[{"function":{"arguments":"{\"ssn\":\"078-05-1120\"}"}}],"content":"a""");
                span.SetAttribute("deep", AttributeValue.FromJson(System.Text.Encoding.UTF8.GetBytes(new string('[', 600) + """{"ssn":"078-05-1120"}""" + new string(']', 600))));
                span.SetOutputs("about ssn");
            });

        Assert.Equal("[REDACTED]", Text(trace.Root!.Inputs));
        Assert.DoesNotContain("078-05", Text(trace.Root.Attributes["deep"]), StringComparison.Ordinal);
        Assert.Equal("about ssn", Text(trace.Root.Outputs));
    }

    [Fact]
    public async Task Stream_ThatBeginsWithOurMark_IsRedactedAllTheSame()
    {
        var log = new ChunkLogBuilder(new StreamLimits(10, 1 << 20, false), 1000);
        log.Add("[WITHHELD: the stream was redacted]"u8, default, 1, isJson: false);
        log.Add("sk-proj-0123456789abcdefghijABCDEFGHIJ0123456789"u8, default, 2, isJson: false);
        var chunks = log.Build()!;
        await TraceAsync(_ => { }, span => span.SetChunks(chunks));

        Assert.True(chunks.IsWithheld);
    }

    [Fact]
    public void JoinedTexts_HalfACharacter_DoesNotEndTheLook() =>
        Assert.Equal(["a\\ud800b", "later"], JoinedTexts.Of("""[{"x":"a\ud800b"},{"y":"later"}]"""u8));

    [Theory]
    [InlineData("$.messages[*].content", """{"messages":[{"role":"user","content":"[REDACTED]"},{"role":"user","content":"[REDACTED]"}],"user":{"email":"a@b.example"}}""")]
    [InlineData("$.messages[1].content", """{"messages":[{"role":"user","content":"first words"},{"role":"user","content":"[REDACTED]"}],"user":{"email":"a@b.example"}}""")]
    [InlineData("$..email", """{"messages":[{"role":"user","content":"first words"},{"role":"user","content":"second words"}],"user":{"email":"[REDACTED]"}}""")]
    [InlineData("$['user'].*", """{"messages":[{"role":"user","content":"first words"},{"role":"user","content":"second words"}],"user":{"email":"[REDACTED]"}}""")]
    [InlineData("$.messages", """{"messages":"[REDACTED]","user":{"email":"a@b.example"}}""")]
    public async Task Path_OfAValue_IsTakenOut(string path, string expected)
    {
        var trace = await TraceAsync(privacy => privacy.RedactedPaths.Add(path), span => span.SetInputs(new
        {
            messages = new[] { new { role = "user", content = "first words" }, new { role = "user", content = "second words" } },
            user = new { email = "a@b.example" },
        }));

        Assert.Equal(expected, Text(trace.Root!.Inputs));
    }

    [Fact]
    public async Task Path_ValueAlsoStandsElsewhere_IsTakenOutThereToo()
    {
        var trace = await TraceAsync(privacy => privacy.RedactedPaths.Add("$.customer.name"), span =>
        {
            span.SetAttribute("note", "asked by Rumpelstiltskin");
            span.SetInputs(new { customer = new { name = "Rumpelstiltskin" } });
            span.SetAttribute("customer", new { name = "Rumpelstiltskin" });
            span.RecordException(new InvalidOperationException("No customer Rumpelstiltskin"));
        });

        Assert.DoesNotContain("Rumpelstiltskin", Everything(trace), StringComparison.Ordinal);
        Assert.Contains("No customer [REDACTED]", trace.Root!.StatusMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pattern_InAnyTextOrNumber_IsTakenOut()
    {
        var trace = await TraceAsync(
            privacy => privacy.RedactedPatterns.Add(@"\b4\d{15}\b"),
            (client, span) =>
            {
                span.SetInputs(new { text = "card 4111111111111111, thanks", number = 4111111111111111, other = 42 });
                span.SetOutputs("4111111111111111");
                span.SetAttribute("card", 4111111111111111);
                span.AddEvent("paid", [new("with", "4111111111111111")]);
                client.UpdateCurrentTrace(new TraceUpdate
                {
                    RequestPreview = "pays with 4111111111111111",
                    Tags = new Dictionary<string, string> { ["card"] = "4111111111111111" },
                    Metadata = new Dictionary<string, string> { ["card"] = "4111111111111111" },
                });
            });

        Assert.DoesNotContain("4111111111111111", Everything(trace), StringComparison.Ordinal);
        Assert.Equal("""{"text":"card [REDACTED], thanks","number":"[REDACTED]","other":42}""", Text(trace.Root!.Inputs));
        Assert.Equal("pays with [REDACTED]", trace.RequestPreview);
    }

    [Fact]
    public async Task Redactor_GetsEachValue_AndIsFollowedByTheScrubber()
    {
        var names = new List<string>();
        var trace = await TraceAsync(
            privacy => privacy.Redactor = value =>
            {
                names.Add(value.Name);
                return value.Name switch
                {
                    "mlflow.spanInputs" => """{"question":"sk-aB3dE5gH7jK9mN1pQ2sT4vW6"}""",
                    "mlflow.spanOutputs" => null,
                    _ => value.Text,
                };
            },
            (client, span) =>
            {
                span.SetInputs(new { question = "x" });
                span.SetOutputs(new { answer = "y" });
                client.UpdateCurrentTrace(new TraceUpdate { Tags = new Dictionary<string, string> { ["t"] = "z" } });
            });

        Assert.Equal("""{"question":"[REDACTED]"}""", Text(trace.Root!.Inputs));
        Assert.Equal("[WITHHELD]", Text(trace.Root.Outputs));
        Assert.Superset(new HashSet<string> { "mlflow.spanInputs", "mlflow.spanOutputs", "span.name", "t" }, names.ToHashSet());
    }

    [Fact]
    public async Task Redactor_WithOtherRules_GetsEachValueOnceAndBehindThem()
    {
        var given = new List<(string Name, string Text)>();
        await TraceAsync(
            privacy =>
            {
                privacy.RedactedKeys.Add("ssn");
                privacy.Redactor = value =>
                {
                    given.Add((value.Name, value.Text));
                    return value.Text + "!";
                };
            },
            (client, span) =>
            {
                span.SetAttribute("before", "is 078-05-1120");
                span.SetInputs(new { ssn = "078-05-1120" });
                span.SetAttribute("after", "is 078-05-1120");
                span.AddEvent("looked", [new("where", "at 078-05-1120")]);
                client.UpdateCurrentTrace(new TraceUpdate { User = "u-1", Session = "s-1", Tags = { ["t"] = "z" } });
            });

        Assert.All(given.GroupBy(value => value.Name), values => Assert.True(values.Count() == 1, $"{values.Key} was given {values.Count()} times"));
        Assert.Superset(new HashSet<string> { "span.name", "before", "mlflow.spanInputs", "after", "where", "t", TraceKeys.User, TraceKeys.Session }, given.Select(value => value.Name).ToHashSet());
        Assert.DoesNotContain(given, value => value.Text.Contains("078", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Redactor_Throws_ValueIsWithheldAndCounted()
    {
        await using var client = Client(privacy => privacy.Redactor = value => value.Name == "mlflow.spanInputs" ? throw new InvalidOperationException("secret words") : value.Text);
        await using (var collector = TraceCollector.Start(client))
        {
            using (var span = client.StartSpan("work"))
            {
                span.SetInputs(new { question = "secret words" });
                span.SetOutputs("an answer");
            }

            var trace = await collector.GetTraceAsync(cancellationToken: Token);

            Assert.Equal("[WITHHELD: redaction failed]", Text(trace.Root!.Inputs));
            Assert.Equal("an answer", Text(trace.Root.Outputs));
            Assert.DoesNotContain("secret words", Everything(trace), StringComparison.Ordinal);
        }

        Assert.Equal(1, (await client.FlushAsync(Token)).WithheldValues);
        Assert.Contains(Log.Lines, line => line.Contains("redaction rule failed", StringComparison.Ordinal) && !line.Contains("secret words", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Value_LongerThanTheLimit_IsWithheldWhereThereAreRules()
    {
        var trace = await TraceAsync(
            privacy =>
            {
                privacy.RedactedKeys.Add("x");
                privacy.MaxRedactedBytes = 2048;
            },
            span =>
            {
                span.SetInputs(new { text = new string('a', 3000) });
                span.SetOutputs("short");
            });

        Assert.Equal("[WITHHELD: redaction failed]", Text(trace.Root!.Inputs));
        Assert.Equal("short", Text(trace.Root.Outputs));
    }

    [Theory]
    [InlineData(@"(?<=ssn:)\d+", "without back-tracking")]
    [InlineData(@"(\w)\1", "without back-tracking")]
    [InlineData("(", "is not a regular expression")]
    public void Pattern_ThatCannotRunWithoutBackTracking_IsRefused(string pattern, string reason)
    {
        var exception = Assert.Throws<ArgumentException>(() => Client(privacy => privacy.RedactedPatterns.Add(pattern)));

        Assert.Contains(pattern, exception.Message, StringComparison.Ordinal);
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("messages")]
    [InlineData("$")]
    [InlineData("$.")]
    [InlineData("$.a[?(@.b)]")]
    [InlineData("$.a[0:2]")]
    [InlineData("$['a'")]
    public void Path_ThatIsNone_IsRefused(string path) =>
        Assert.Contains($"'{path}' in RedactedPaths", Assert.Throws<ArgumentException>(() => Client(privacy => privacy.RedactedPaths.Add(path))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task SetPrivacy_WhileTracing_CountsForSpansThatEndAfterwards()
    {
        var trace = await TraceAsync(_ => { }, (client, span) =>
        {
            span.SetInputs(new { ssn = "078-05-1120" });
            client.SetPrivacy(privacy => privacy.RedactedKeys.Add("ssn"));
        });

        Assert.Equal("""{"ssn":"[REDACTED]"}""", Text(trace.Root!.Inputs));
    }

    [Fact]
    public async Task Json_WithoutWhatIsRuledOut_StaysAsItIsWritten()
    {
        const string written = """{ "a" : 1.50e+3, "b":[ "\u0041\/" , null ],"ssn" : "x" ,"c":"東京"}""";
        var trace = await TraceAsync(privacy => privacy.RedactedKeys.Add("ssn"), span => span.SetInputs(BinaryData.FromString(written)));

        Assert.Equal(written.Replace("\"x\"", "\"[REDACTED]\"", StringComparison.Ordinal), Text(trace.Root!.Inputs));
    }

    /// <summary>Random JSON around a secret, which must not survive, and around which nothing else may change.</summary>
    [Fact]
    public void Scrub_RandomJsonAroundASecret_TakesOutTheSecretAlone()
    {
        var random = new Random(11);
        for (var round = 0; round < 3000; round++)
        {
            var (kind, text, secret) = LeakCorpus.All[random.Next(LeakCorpus.All.Count)];
            const string place = "PLACE-OF-THE-SECRET";
            var plain = RandomJson(random, place);
            var escaped = JsonSerializer.Serialize(text, random.Next(2) == 0 ? null : SharedFolder.AsText)[1..^1];
            var nested = plain.Contains("\\u0022" + place, StringComparison.Ordinal) ? JsonSerializer.Serialize(escaped)[1..^1] : escaped;
            var json = Encoding.UTF8.GetBytes(plain.Replace(place, nested, StringComparison.Ordinal));
            var value = AttributeValue.FromJson(json);

            Assert.True(SecretScrubber.Suspects(json), $"{kind} in {plain}");
            Assert.True(new ValueRedactor(RedactionRules.Of(new PrivacyOptions()), e => Assert.Fail($"{e}")).Redact("mlflow.spanInputs", ref value), $"{kind} in {plain}");

            var result = Encoding.UTF8.GetString(value.Json);
            Assert.DoesNotContain(secret, result, StringComparison.Ordinal);
            Assert.DoesNotContain(JsonSerializer.Serialize(secret)[1..^1], result, StringComparison.Ordinal);
            using var document = JsonDocument.Parse(result);

            // The text that had it is written anew, and nothing else.
            var at = plain.IndexOf(place, StringComparison.Ordinal);
            Assert.StartsWith(plain[..(plain.LastIndexOf('"', at) + 1)], result, StringComparison.Ordinal);
            Assert.EndsWith(plain[plain.IndexOf('"', at)..], result, StringComparison.Ordinal);
        }
    }

    /// <summary>A secret that a stream sends in pieces of any size must be neither in the output nor, put together again, in the chunks.</summary>
    [Fact]
    public async Task Scrub_StreamSplitAnywhere_LeavesNoPartOfTheSecret()
    {
        var random = new Random(13);
        await using var client = Client(_ => { });
        await using var collector = TraceCollector.Start(client);
        var secrets = new List<string>();
        for (var round = 0; round < 300; round++)
        {
            var (_, text, secret) = LeakCorpus.All[random.Next(LeakCorpus.All.Count)];
            secrets.Add(secret);
            using var span = client.StartSpan("stream");
            var fields = new RecordedFields { Limits = new StreamLimits(5000, 1 << 20, TrimsMedia: false) };
            var stream = new StringBuilder();
            for (var at = 0; at < text.Length;)
            {
                var length = Math.Min(text.Length - at, random.Next(1, 12));
                var chunk = JsonSerializer.Serialize(new { id = "c", @object = "chat.completion.chunk", created = 1, model = "m", choices = new[] { new { index = 0, delta = new { content = text.Substring(at, length) } } } });
                stream.Append("data: ").Append(chunk).Append("\n\n");
                at += length;
            }

            new ChatCompletionsRecorder().RecordStream(new RecordedBody(Encoding.UTF8.GetBytes(stream.ToString()), "text/event-stream", stream.Length), [], fields);
            span.SetAttribute(AttributeNames.Outputs, fields.Outputs);
            span.SetChunks(fields.Chunks);
        }

        var traces = await collector.GetTracesAsync(cancellationToken: Token);

        Assert.Equal(300, traces.Count);
        for (var i = 0; i < traces.Count; i++)
        {
            Assert.Contains("[REDACTED]", Text(traces[i].Root!.Outputs), StringComparison.Ordinal);
            Assert.DoesNotContain(JsonSerializer.Serialize(secrets[i], SharedFolder.AsText)[1..^1], Text(traces[i].Root!.Outputs), StringComparison.Ordinal);
            Assert.All(traces[i].Root!.Events, chunk => Assert.Equal("[WITHHELD: the stream was redacted]", Text(chunk.Attributes["mlflow.chunk.value"])));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Scrub_ElementsOfAnIterator_AreLookedAtTogether(bool fails)
    {
        await using var client = Client(_ => { });
        await using var collector = TraceCollector.Start(client);
        using (var span = client.StartSpan("pieces"))
        {
            foreach (var piece in new[] { "the key is s", "k-aB3dE5g", "H7jK9mN1pQ2sT" })
            {
                span.AddEvent("mlflow.chunk.item.0", [new("mlflow.chunk.value", piece)]);
            }

            if (!fails)
            {
                span.SetOutputs(3);
            }
        }

        var trace = await collector.GetTraceAsync(cancellationToken: Token);

        Assert.All(trace.Root!.Events, item => Assert.Equal("[WITHHELD: the stream was redacted]", Text(item.Attributes["mlflow.chunk.value"])));
    }

    [Fact]
    public async Task Scrub_AnswerWithLogProbabilities_TakesOutItsTokensToo()
    {
        var trace = await TraceAsync(_ => { }, span => span.SetOutputs(BinaryData.FromString(
            """{"choices":[{"message":{"content":"sk-aB3dE5gH7jK9mN1pQ2sT"},"logprobs":{"content":[{"token":"sk-aB3dE5","bytes":[115]},{"token":"gH7jK9mN1pQ2sT","bytes":null}]}},{"logprobs":null}]}""")));

        Assert.Equal("""{"choices":[{"message":{"content":"[REDACTED]"},"logprobs":"[REDACTED]"},{"logprobs":null}]}""", Text(trace.Root!.Outputs));
    }

    private static string RandomJson(Random random, string place)
    {
        var value = random.Next(3) switch
        {
            0 => JsonSerializer.Serialize(place),
            1 => JsonSerializer.Serialize(JsonSerializer.Serialize(new { note = place })),
            _ => JsonSerializer.Serialize(new[] { place, "other" }),
        };
        for (var depth = random.Next(4); depth > 0; depth--)
        {
            value = random.Next(3) switch
            {
                0 => "{ \"a\" : 1.0, \"b\":" + value + " ,\"c\":null}",
                1 => "[1,\"東京 \\u0027x\\u0027\"," + value + "]",
                _ => "{\"messages\":[{\"role\":\"user\",\"content\":" + value + "}],\"n\":1}",
            };
        }

        return value;
    }
}
