using Xunit;

namespace MLflow.Weaver.Tests.Builds;

/// <summary>Edits a program while <c>dotnet watch</c> runs it.</summary>
public sealed class HotReloadTests
{
    /// <summary>Says after its start and after each change what its methods gave: a negative number where they were not traced.</summary>
    private const string Program = """
        using System.Reflection.Metadata;
        using MLflow;

        [assembly: MetadataUpdateHandler(typeof(Changes))]

        do
        {
            Console.WriteLine($"sum {Code.Sum(1)}, later {await Code.LaterAsync(1)}, items {Code.Items(1).Single()}, kept {Code.Kept()}, plain {Code.Plain()}.");
            await (args.Length > 0 ? Task.CompletedTask : Changes.Seen.WaitAsync());
        }
        while (args.Length == 0);

        static class Code
        {
            [Trace] public static int Sum(int a) => Sign * (a + 10);
            [Trace] public static async Task<int> LaterAsync(int a) { await Task.Yield(); return Sign * (a + 20); }
            [Trace] public static IEnumerable<int> Items(int a) { yield return Sign * (a + 30); }
            [Trace] public static int Kept() => Sign * 7;
            public static int Plain() => 100;

            private static int Sign => Mlflow.GetCurrentActiveSpan() is null ? -1 : 1;
        }

        static class Changes
        {
            public static readonly SemaphoreSlim Seen = new(0);

            public static void UpdateApplication(Type[]? types) => Seen.Release();
        }
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Watch_EditsOfTracedMethods_WorkAndSayOnceWhatIsNotTracedUntilTheNextBuild()
    {
        using var project = new ChildProject("hot", "cs", Program);
        using (var watch = WatchedProgram.Start(project.Folder))
        {
            await watch.SaysAsync(Token, "sum 11, later 21, items 31, kept 7, plain 100.", "Waiting for changes");

            // A neighbour of traced methods: they stay what they are, and nothing is said.
            Edit(project, "Plain() => 100", "Plain() => 101");
            await watch.SaysAsync(Token, "sum 11, later 21, items 31, kept 7, plain 101.", "changes applied");

            Edit(project, "a + 10", "a + 11");
            await watch.SaysAsync(Token, "sum -12, later 21, items 31, kept 7, plain 101.", "changes applied");
            Edit(project, "a + 20", "a + 21");
            await watch.SaysAsync(Token, "sum -12, later -22, items 31, kept 7, plain 101.", "changes applied");
            Edit(project, "a + 11", "a + 12");
            await watch.SaysAsync(Token, "sum -13, later -22, items 31, kept 7, plain 101.", "changes applied");

            Assert.Equal(
                ["Code.Sum", "Code.LaterAsync"],
                watch.Said.Where(line => line.Contains("mlflow: hot reload changed ", StringComparison.Ordinal)).Select(line => line.Split("changed ")[1].Split(':')[0]));
            Assert.Contains(watch.Said, line => line.Contains("this method with [Trace] is not traced until the next build", StringComparison.Ordinal));
        }

        var (exitCode, output) = await DotNet.RunAsync(project.Folder, ["run", "--", "once"], Token, ("MSBUILDDISABLENODEREUSE", "1"));
        Assert.True(exitCode == 0, output);
        Assert.Contains("sum 13, later 22, items 31, kept 7, plain 101.", output, StringComparison.Ordinal);
    }

    private static void Edit(ChildProject project, string before, string after)
    {
        var file = Path.Combine(project.Folder, "Program.cs");
        var source = File.ReadAllText(file);
        Assert.Contains(before, source, StringComparison.Ordinal);
        File.WriteAllText(file, source.Replace(before, after, StringComparison.Ordinal));
    }
}
