using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Security.Cryptography;
using Xunit;

namespace MLflow.Weaver.Tests.Builds;

/// <summary>Builds projects as users have them, and runs what was built.</summary>
public sealed class BuildTests
{
    /// <summary>Says whether the call was traced, and ends by an exception when told.</summary>
    private const string Program = """
        using MLflow;

        Console.WriteLine($"sum {Code.Add(1, 2)}, traced {Mlflow.GetLastActiveTraceId() is not null}");
        if (args.Length > 0)
        {
            Code.Crash(args[0]);
        }

        static class Code
        {
            [Trace]
            public static int Add(int a, int b) => a + b;

            [Trace]
            public static void Crash(string why) =>
                throw new InvalidOperationException(why);
        }
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Build_Again_WeavesOnceAndOnlyWhatIsNew()
    {
        using var project = new ChildProject("incremental", "cs", Program);
        await project.BuildAsync(Token);
        var woven = Hash(project.Assembly);
        var (_, said) = await project.StartAsync(Token);
        Assert.Contains("sum 3, traced True", said, StringComparison.Ordinal);
        Assert.DoesNotContain("[Trace]", said, StringComparison.Ordinal);

        // Nothing has changed: the task does not run.
        var again = await project.BuildAsync(Token, "-v:n");
        Assert.Contains("Skipping target \"MlflowWeaveTraces\"", again, StringComparison.Ordinal);
        Assert.Equal(woven, Hash(project.Assembly));

        // It is told to weave what it has woven.
        Assert.True(File.Exists(project.Intermediate("incremental.mlflow-woven")));
        File.Delete(project.Intermediate("incremental.mlflow-woven"));
        await project.BuildAsync(Token);
        Assert.Equal(woven, Hash(project.Assembly));

        // The same source gives the same bytes.
        Directory.Delete(Path.Combine(project.Folder, "obj"), recursive: true);
        await project.BuildAsync(Token);
        Assert.Equal(woven, Hash(project.Assembly));

        // An edit is woven.
        File.WriteAllText(Path.Combine(project.Folder, "Program.cs"), Program.Replace("a + b", "a + b + 1", StringComparison.Ordinal));
        await project.BuildAsync(Token);
        Assert.Contains("sum 4, traced True", (await project.StartAsync(Token)).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("portable")]
    [InlineData("embedded")]
    [InlineData("none")]
    public async Task Build_Symbols_StayAsTheyAre(string debugType)
    {
        using var project = new ChildProject("symbols", "cs", Program, $"<DebugType>{debugType}</DebugType>");
        await project.BuildAsync(Token);
        var (exitCode, output) = await project.StartAsync(Token, "out of luck");

        Assert.NotEqual(0, exitCode);
        Assert.Contains("sum 3, traced True", output, StringComparison.Ordinal);
        Assert.Contains("InvalidOperationException: out of luck", output, StringComparison.Ordinal);
        Assert.Equal(debugType != "none", output.Contains("Program.cs:line 16", StringComparison.Ordinal));
        Assert.Equal(debugType == "portable", File.Exists(Path.ChangeExtension(project.Assembly, ".pdb")));

        // Of the call whose exception ended the process too.
        Assert.Contains("2 traces were not sent before the program ended", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_SwitchedOff_WeavesNothingAndIsSilent()
    {
        using var project = new ChildProject("off", "cs", AwaitWarning, "<MlflowTraceWeaving>false</MlflowTraceWeaving>");
        await project.BuildAsync(Token);
        var (_, output) = await project.StartAsync(Token, "1");

        Assert.Contains("traced False", output, StringComparison.Ordinal);
        Assert.Contains("said: nothing", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Program_NotWoven_SaysSoOnce()
    {
        using var project = new ChildProject("unwoven", "cs", AwaitWarning, hasBuildFiles: false);
        await project.BuildAsync(Token);
        var (_, output) = await project.StartAsync(Token, "30");

        Assert.Contains("traced False", output, StringComparison.Ordinal);
        Assert.Contains("said: mlflow: methods with [Trace] in unwoven are not traced", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_WhatCannotBeWoven_IsAWarningWithItsPlace()
    {
        const string Source = """
            using System.Runtime.InteropServices;
            using MLflow;

            Console.WriteLine(new Circle().Area() + Shape.Always());

            abstract class Shape
            {
                [Trace] public abstract double Area();
                [Trace, DllImport("libc")] public static extern int getpid();
                [Trace] public static int Sum(int a, __arglist) => a;
                [Trace(OutputReducer = "Join")] public static int NoIterator() => 1;
                [Trace(OutputReducer = nameof(Join))] public static Task<string> ATask() => Task.FromResult("");
                [Trace(OutputReducer = nameof(Join))] public static List<string> AList() => [];
                [Trace(OutputReducer = nameof(Join), CaptureOutput = false)] public static IEnumerable<string> Unrecorded() { yield return ""; }
                [Trace(OutputReducer = nameof(Join))] public static IEnumerable<string> Used() { yield return ""; }
                [Trace(OutputReducer = nameof(Join))] public static IEnumerable<string> UsedToo() => Used().Skip(1);
                static string Join(IEnumerable<string> texts) => string.Concat(texts);
                [Trace(SamplingRatio = 1.5)] public static int Often() => 1;
                [Trace(SamplingRatio = 1)] public static int Always() => Often();
            }

            class Circle : Shape
            {
                public override double Area() => 1;
            }
            """;
        using var project = new ChildProject("warnings", "cs", Source);
        var output = await project.BuildAsync(Token);

        Assert.Contains("warning MLFLOW001: [Trace] on Shape.Area does nothing: the method has no body. Put it on what implements the method.", output, StringComparison.Ordinal);
        Assert.Contains("warning MLFLOW001: [Trace] on Shape.getpid does nothing", output, StringComparison.Ordinal);
        Assert.Contains("Program.cs(10,56): warning MLFLOW002: [Trace] on Shape.Sum does nothing", output, StringComparison.Ordinal);

        Assert.Matches(@"Program\.cs\(11,\d+\): warning MLFLOW006: \[Trace\] on Shape\.NoIterator has no use of its OutputReducer", output);
        Assert.Equal(
            ["AList", "ATask", "NoIterator", "Unrecorded"],
            System.Text.RegularExpressions.Regex.Matches(output, @"MLFLOW006: \[Trace\] on Shape\.(\w+)").Select(match => match.Groups[1].Value).Distinct().Order());

        Assert.Contains("warning MLFLOW007: [Trace] on Shape.Often has a SamplingRatio of 1.5, which is ignored: it must be from 0 (no trace) to 1 (every trace).", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Shape.Always", output, StringComparison.Ordinal);

        var (exitCode, output2) = await project.StartAsync(Token);
        Assert.True(exitCode == 0, output2);
    }

    /// <summary>A preview of .NET 10, which the compiler has and the runtime leaves off.</summary>
    [Fact]
    public async Task Build_RuntimeAsync_WarnsAndLeavesTheMethodAsItIs()
    {
        const string Source = """
            using MLflow;

            Console.WriteLine($"{(int)typeof(Code).GetMethod("SumAsync")!.MethodImplementationFlags} {await Code.SumAsync(1, 2)} {Code.Sum(1, 2)}, traced {Mlflow.GetLastActiveTraceId() is not null}");

            static class Code
            {
                [Trace] public static async Task<int> SumAsync(int a, int b) { await Task.Yield(); return a + b; }
                [Trace] public static int Sum(int a, int b) => a + b;
            }
            """;
        const string Preview = "<EnablePreviewFeatures>true</EnablePreviewFeatures><Features>$(Features);runtime-async=on</Features><NoWarn>$(NoWarn);SYSLIB5007</NoWarn>";
        using var project = new ChildProject("runtimeasync", "cs", Source, Preview);
        var output = await project.BuildAsync(Token);

        Assert.Matches(
            @"Program\.cs\(7,\d+\): warning MLFLOW002: \[Trace\] on Code\.SumAsync does nothing: the runtime itself makes the method asynchronous \(runtime-async\), which cannot be woven\. Use Mlflow\.TraceAsync inside of it\.",
            output);
        Assert.DoesNotContain("on Code.Sum does", output, StringComparison.Ordinal);
        var (exitCode, said) = await project.StartAsync([("DOTNET_RuntimeAsync", "1")], Token);
        Assert.True(exitCode == 0, said);
        Assert.Contains("8192 3 3, traced True", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Program_WithBadSettings_WorksUntracedAndSaysWhy()
    {
        const string Source = """
            using MLflow;

            Environment.SetEnvironmentVariable("MLFLOW_TRACKING_URI", "no address");
            Console.WriteLine(string.Join(' ', Count()) + " " + Add(1, 2));

            [Trace] static IEnumerable<int> Count() { yield return 1; yield return 2; }
            [Trace] static int Add(int a, int b) => a + b;
            """;
        using var project = new ChildProject("settings", "cs", Source);
        await project.BuildAsync(Token);
        var (exitCode, output) = await project.StartAsync(Token);

        Assert.True(exitCode == 0, output);
        Assert.Contains("1 2 3", output, StringComparison.Ordinal);
        Assert.Single(output.Split('\n'), line => line.Contains("mlflow: methods with [Trace] are not traced: ", StringComparison.Ordinal) && line.Contains("no address", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Build_Signed_IsSignedAgain()
    {
        using var project = new ChildProject("signed", "cs", Program, "<SignAssembly>true</SignAssembly><AssemblyOriginatorKeyFile>key.snk</AssemblyOriginatorKeyFile>");
        using var key = new RSACryptoServiceProvider(2048);
        File.WriteAllBytes(Path.Combine(project.Folder, "key.snk"), key.ExportCspBlob(includePrivateParameters: true));
        await project.BuildAsync(Token);

        Assert.Contains("traced True", (await project.StartAsync(Token)).Output, StringComparison.Ordinal);
        using var image = new PEReader(File.OpenRead(project.Assembly));
        var directory = image.PEHeaders.CorHeader!.StrongNameSignatureDirectory;
        Assert.True(image.PEHeaders.CorHeader.Flags.HasFlag(CorFlags.StrongNameSigned));
        Assert.Equal(256, directory.Size);
        Assert.NotEmpty(image.GetMetadataReader().GetBlobBytes(image.GetMetadataReader().GetAssemblyDefinition().PublicKey));

        // The signature is the one of these bytes: it is over the file without itself, the checksum and the entry of Authenticode.
        var file = File.ReadAllBytes(project.Assembly);
        Assert.True(image.PEHeaders.TryGetDirectoryOffset(directory, out var offset));
        var signature = file.AsSpan(offset, directory.Size).ToArray();
        Array.Reverse(signature);
        Assert.True(key.VerifyHash(SignedHash(file, image.PEHeaders, offset, directory.Size), signature, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
    }

    [Fact]
    public async Task Build_FSharp_IsWoven()
    {
        const string Source = """
            open System
            open MLflow

            [<Trace(SpanType.Tool)>]
            let rec private down (n: int) (last: string) : string =
                if n = 0 then last else down (n - 1) last

            [<Trace>]
            let numbers (count: int) = seq { for i in 1 .. count do yield i * 2 }

            [<Trace(CaptureOutput = false)>]
            let later (text: string) = task {
                do! System.Threading.Tasks.Task.Yield()
                return down 2 text
            }

            [<Trace>]
            let lazily (text: string) = async { return text }

            [<EntryPoint>]
            let main _ =
                let text = (later "end").Result
                let sum = numbers 3 |> Seq.sum
                let now = lazily "async" |> Async.RunSynchronously
                let flushed = Mlflow.FlushAsync().Result
                printfn $"{text} {sum} {now}, traces {flushed.Pending}"
                0
            """;
        using var project = new ChildProject("fsharp", "fs", Source);
        var output = await project.BuildAsync(Token);
        Assert.Contains("warning MLFLOW003", output, StringComparison.Ordinal);
        Assert.Contains("FSharpAsync`1", output, StringComparison.Ordinal);

        Assert.Contains("end 12 async, traces 3", (await project.StartAsync(Token)).Output, StringComparison.Ordinal);
    }

    /// <summary>Says what the SDK wrote to standard error within so many seconds.</summary>
    private const string AwaitWarning = """
        using MLflow;

        var errors = new LineWriter();
        Console.SetError(TextWriter.Synchronized(errors));
        Code.Add(1, 2);
        Console.WriteLine($"traced {Mlflow.GetLastActiveTraceId() is not null}");
        var deadline = DateTime.UtcNow.AddSeconds(int.Parse(args[0]));
        while (errors.Said is null && DateTime.UtcNow < deadline)
        {
            await Task.Yield();
        }

        Console.WriteLine("said: " + (errors.Said ?? "nothing"));

        static class Code
        {
            [Trace]
            public static int Add(int a, int b) => a + b;
        }

        // Whole lines only: another thread writes them.
        class LineWriter : StringWriter
        {
            public volatile string? Said;

            public override void WriteLine(string? value) => Said = value;
        }
        """;

    private static string Hash(string file) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));

    private static byte[] SignedHash(byte[] file, PEHeaders headers, int signatureOffset, int signatureSize)
    {
        var checksum = headers.PEHeaderStartOffset + 64;
        var certificates = headers.PEHeaderStartOffset + (headers.PEHeader!.Magic == PEMagic.PE32Plus ? 144 : 128);
        var hashed = file.ToArray();
        hashed.AsSpan(checksum, 4).Clear();
        hashed.AsSpan(certificates, 8).Clear();

        // Headers and sections, without what stands between them.
        var headerSize = headers.PEHeaderStartOffset + headers.CoffHeader.SizeOfOptionalHeader + (headers.SectionHeaders.Length * 40);
#pragma warning disable CA5350 // The algorithm is that of strong names.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
        hash.AppendData(hashed, 0, headerSize);
        foreach (var section in headers.SectionHeaders)
        {
            var (start, end) = (section.PointerToRawData, section.PointerToRawData + section.SizeOfRawData);
            if (signatureOffset >= start && signatureOffset < end)
            {
                hash.AppendData(hashed, start, signatureOffset - start);
                start = signatureOffset + signatureSize;
            }

            hash.AppendData(hashed, start, end - start);
        }

        return hash.GetHashAndReset();
    }
}
