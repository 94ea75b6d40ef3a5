using System.IO.Compression;
using Xunit;

namespace MLflow.Weaver.Tests.Builds;

/// <summary>The package as it is published: a library references it, and a program references the library alone.</summary>
public sealed class PackageTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Package_ReferencedByALibraryAlone_WeavesItsUsersToo()
    {
        var folder = Directory.CreateTempSubdirectory("mlflow-package-");
        try
        {
            await SucceedAsync(DotNet.RepositoryRoot(), "pack", "src/MLflow.Tracing", "-c", DotNet.Configuration, "--no-build", "-o", Path.Combine(folder.FullName, "packed"), "-nodeReuse:false");
            AssertNothingButOurselvesAtRunTime(Directory.GetFiles(Path.Combine(folder.FullName, "packed"), "*.nupkg").Single());
            Write(folder);
            var output = await SucceedAsync(Path.Combine(folder.FullName, "program"), "run", "-nodeReuse:false", "-p:UseSharedCompilation=false");

            Assert.Contains("library tr-", output, StringComparison.Ordinal);
            Assert.Contains("program tr-", output, StringComparison.Ordinal);
            Assert.DoesNotContain(Directory.GetFiles(folder.FullName, "*.dll", SearchOption.AllDirectories), file => file.Contains("/bin/", StringComparison.Ordinal) && file.Contains("Cecil", StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> SucceedAsync(string folder, params string[] arguments)
    {
        var (exitCode, output) = await DotNet.RunAsync(folder, arguments, Token);
        Assert.True(exitCode == 0, output);
        return output;
    }

    private static void AssertNothingButOurselvesAtRunTime(string package)
    {
        using var content = ZipFile.OpenRead(package);
        Assert.Equal(["lib/net10.0/MLflow.Tracing.dll"], content.Entries.Select(entry => entry.FullName).Where(name => name.StartsWith("lib/", StringComparison.Ordinal) && name.EndsWith(".dll", StringComparison.Ordinal)));
        Assert.Contains(content.Entries, entry => entry.FullName == "tasks/netstandard2.0/MLflow.Tracing.Weaver.dll");
        using var reader = new StreamReader(content.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open());
        Assert.DoesNotContain("Cecil", reader.ReadToEnd(), StringComparison.Ordinal);
    }

    private static void Write(DirectoryInfo folder)
    {
        // What the package needs was restored for this repository: it is taken from there, and the package itself does not get there.
        var restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } packages
            ? packages
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        Add("Directory.Build.props", $"""
            <Project>
              <PropertyGroup>
                <RestoreSources>{folder.FullName}/packed</RestoreSources>
                <RestorePackagesPath>{folder.FullName}/packages</RestorePackagesPath>
                <RestoreFallbackFolders>{restored}</RestoreFallbackFolders>
              </PropertyGroup>
            </Project>
            """);
        Add("Directory.Build.targets", "<Project />");
        Add("library/library.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup><PackageReference Include="MLflow.Tracing" Version="*" /></ItemGroup>
            </Project>
            """);
        Add("library/Tools.cs", """
            public static class Tools
            {
                [MLflow.Trace] public static string InLibrary() => "library " + MLflow.Mlflow.GetLastActiveTraceId();
            }
            """);
        Add("program/program.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup><ProjectReference Include="../library/library.csproj" /></ItemGroup>
            </Project>
            """);
        Add("program/Program.cs", """
            System.Console.WriteLine(Tools.InLibrary());
            System.Console.WriteLine(InProgram());

            [MLflow.Trace] static string InProgram() => "program " + MLflow.Mlflow.GetLastActiveTraceId();
            """);

        void Add(string file, string text)
        {
            var path = Path.Combine(folder.FullName, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
    }
}
