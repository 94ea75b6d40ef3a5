using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using MLflow.Tracing.Weaver;
using Mono.Cecil;
using Mono.Cecil.Rocks;
using Xunit;

namespace MLflow.Weaver.Tests.Builds;

/// <summary>Puts the attribute on every method of whole libraries, which have shapes that nobody thinks of, and lets the runtime compile what is woven.</summary>
public sealed class LibraryTests
{
    [Theory]
    [InlineData("Microsoft.Extensions.AI.dll", 1000)]
    [InlineData("Microsoft.Extensions.AI.Abstractions.dll", 2000)]
    [InlineData("System.ClientModel.dll", 1000)]
    public void EveryMethod_OfALibrary_IsWovenToValidCode(string library, int atLeast)
    {
        var folder = Directory.CreateTempSubdirectory("mlflow-library-");
        var context = new AssemblyLoadContext(library, isCollectible: true);
        try
        {
            var file = Path.Combine(folder.FullName, library);
            var marked = Mark(Path.Combine(AppContext.BaseDirectory, library), file);
            var references = AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!.ToString()!.Split(Path.PathSeparator);
            var woven = new AssemblyWeaver(references, _ => { }).Weave(file, null, null);

            Assert.Equal(marked, woven);
            Assert.InRange(woven, atLeast, int.MaxValue);
            Assert.InRange(Compile(context.LoadFromAssemblyPath(file)), atLeast, int.MaxValue);
        }
        finally
        {
            context.Unload();
            folder.Delete(recursive: true);
        }
    }

    private static int Mark(string source, string target)
    {
        using var tracing = ModuleDefinition.ReadModule(typeof(TraceAttribute).Assembly.Location);
        using var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(AppContext.BaseDirectory);
        resolver.AddSearchDirectory(Path.GetDirectoryName(typeof(object).Assembly.Location));
        using var module = ModuleDefinition.ReadModule(source, new ReaderParameters { AssemblyResolver = resolver });
        var constructor = module.ImportReference(tracing.GetType("MLflow.TraceAttribute").Methods.Single(m => m.IsConstructor));
        var methods = module.GetAllTypes().SelectMany(type => type.Methods).Where(m => m.HasBody && !m.IsConstructor && m.Body.Instructions.Count > 0).ToList();
        foreach (var method in methods)
        {
            var trace = new CustomAttribute(constructor);
            trace.ConstructorArguments.Add(new CustomAttributeArgument(module.TypeSystem.String, SpanType.Tool));
            method.CustomAttributes.Add(trace);
        }

        module.Write(target);
        return methods.Count;
    }

    /// <summary>Compiles what can be compiled without knowing its generic arguments, and the rest with some where they fit.</summary>
    private static int Compile(Assembly assembly)
    {
        const BindingFlags All = BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;
        var compiled = 0;
        foreach (var method in assembly.GetTypes().SelectMany(type => type.GetMethods(All)).Where(m => !m.IsAbstract && m.GetMethodBody() is not null))
        {
            try
            {
                Type[] arguments = [.. method.DeclaringType!.GetGenericArguments().Concat(method.IsGenericMethodDefinition ? method.GetGenericArguments() : []).Select(Fitting)];
                RuntimeHelpers.PrepareMethod(method.MethodHandle, [.. arguments.Select(type => type.TypeHandle)]);
                compiled++;
            }
            catch (Exception e) when (e is TypeLoadException or System.Security.VerificationException && (method.DeclaringType!.IsGenericType || method.IsGenericMethod))
            {
                // Neither of the two fits.
            }
            catch (InvalidProgramException e)
            {
                Assert.Fail($"{method.DeclaringType}.{method.Name}: {e.Message}");
            }
        }

        return compiled;
    }

    private static Type Fitting(Type parameter) =>
        parameter.GenericParameterAttributes.HasFlag(System.Reflection.GenericParameterAttributes.NotNullableValueTypeConstraint) ? typeof(int) : typeof(object);
}
